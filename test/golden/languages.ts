/** What runs of one release hold: the kinds of their events, and the steps of their plans. */
export type Language = { engineVersion: number; kinds: string[]; steps: string[] };

/** Says what a server of an older release would meet in a run and not know, unless the engine version keeps it away. */
export function mustRaise(release: string, then: Language, now: Language): string[] {
  if (now.engineVersion > then.engineVersion) return [];
  const unknown = [
    ...now.kinds.filter((kind) => !then.kinds.includes(kind)),
    ...now.steps.filter((step) => !then.steps.includes(step)),
  ];
  return unknown.map((word) => `${release} does not know ${word}: raise engineVersion`);
}
