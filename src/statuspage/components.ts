import { type Component, type ComponentStatus, componentStatuses } from "../adapters/statuspage.ts";

/** What a run changed on the page: by component, what it was and what the run made of it. */
export type Changed = Record<string, { from: ComponentStatus; to: ComponentStatus }>;

/** Another incident that is open: the components it names, and what a run of ours changed with it. */
export type Other = {
  names: readonly string[];
  changed: Changed;
  /** Its run is over, and sets nothing back any more: the run's id, and the components that are left to the run that asks. */
  over?: { run: string; leaves: readonly string[] };
};

/**
 * Which components a run may change when it opens its incident, and a sentence for each that it leaves. One that shows what
 * another run made of it becomes this one's too, with what it was before the first: whoever ends last sets it back. Pure.
 */
export function toSet(
  wanted: Record<string, ComponentStatus>,
  now: readonly Component[],
  others: readonly Other[],
): { changed: Changed; named: string[]; left: string[] } {
  const changed: Changed = {};
  const named: string[] = [];
  const left: string[] = [];
  for (const [id, to] of Object.entries(wanted)) {
    const component = now.find((one) => one.id === id);
    if (!component) {
      left.push(`The status page has no component "${id}".`);
      continue;
    }
    named.push(id);
    const shown = componentStatuses.find((status) => status === component.status);
    const before = others.flatMap(({ changed: { [id]: one } }) => (one && one.to === shown ? [one.from] : []));
    if (shown !== undefined && before.length > 0) changed[id] = { from: worst(before), to: worst([shown, to]) };
    else if (shown !== undefined && isWorse(to, shown)) changed[id] = { from: shown, to };
    else
      left.push(
        `"${component.name}" is at ${spell(component.status)} on the status page already; Muster leaves it so.`,
      );
  }
  return { changed, named, left };
}

/**
 * Which components a run sets back, and a sentence for each that does not become what it was: one that somebody else has
 * changed since, that another open incident names, or that another run has changed too, which sets it back later. A run that
 * is over does not: of what it leaves to this one, its incident is for a person to close, and what it does not leave too. Pure.
 */
export function toRestore(
  changed: Changed,
  now: readonly Component[],
  others: readonly Other[],
): { restored: Record<string, ComponentStatus>; left: string[] } {
  const restored: Record<string, ComponentStatus> = {};
  const left: string[] = [];
  for (const [id, { from, to }] of Object.entries(changed)) {
    const component = now.find((one) => one.id === id);
    if (!component) {
      left.push(`The component "${id}" is no longer on the status page.`);
      continue;
    }
    const { name, status } = component;
    const running = others.filter(({ over }) => !over);
    const ours = madeOf(id, running);
    const shown = [to, ...madeOf(id, others)].find((one) => one === status);
    const isNamed =
      running.some(({ names, changed: theirs }) => names.includes(id) && !theirs[id]) ||
      others.some(({ names, over }) => over && names.includes(id) && !over.leaves.includes(id));
    // Never worse than it is: somebody may have set it so.
    const target = worst([from, ...ours]);
    if (shown === undefined)
      left.push(`Somebody else has set "${name}" to ${spell(status)} on the status page; Muster leaves it so.`);
    else if (isNamed || (ours.length > 0 && !isWorse(shown, target)))
      left.push(
        `"${name}" stays at ${spell(shown)} on the status page, because another open incident names it; ${isNamed ? "set it back" : "it is set back"} with that one.`,
      );
    else {
      restored[id] = target;
      if (target !== from)
        left.push(
          `"${name}" is back at ${spell(target)} only on the status page, because another open incident names it; it is set back with that one.`,
        );
    }
  }
  for (const { over } of others) {
    if (over?.leaves.some((id) => restored[id] !== undefined))
      left.push(`The incident of ${over.run}, a run that is over, is still open on the status page; close it there.`);
  }
  return { restored, left };
}

/** What runs of ours made of a component. */
const madeOf = (id: string, others: readonly Other[]): ComponentStatus[] =>
  others.flatMap(({ changed: { [id]: one } }) => (one ? [one.to] : []));

const isWorse = (one: ComponentStatus, other: ComponentStatus): boolean =>
  componentStatuses.indexOf(one) > componentStatuses.indexOf(other);

const worst = (all: readonly ComponentStatus[]): ComponentStatus =>
  all.reduce((one, other) => (isWorse(other, one) ? other : one), componentStatuses[0]);

const spell = (status: string): string => `"${status.replaceAll("_", " ")}"`;
