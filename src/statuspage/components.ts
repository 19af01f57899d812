import { type Component, type ComponentStatus, componentStatuses } from "../adapters/statuspage.ts";

/** What a run changed on the page: by component, what it was and what the run made of it. */
export type Changed = Record<string, { from: ComponentStatus; to: ComponentStatus }>;

/** Which components a run may change when it opens its incident, and a sentence for each that it leaves. Pure. */
export function toSet(
  wanted: Record<string, ComponentStatus>,
  now: readonly Component[],
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
    const from = componentStatuses.find((status) => status === component.status);
    if (from !== undefined && componentStatuses.indexOf(from) < componentStatuses.indexOf(to))
      changed[id] = { from, to };
    else
      left.push(
        `"${component.name}" is at ${spell(component.status)} on the status page already; Muster leaves it so.`,
      );
  }
  return { changed, named, left };
}

/**
 * Which components a run sets back to what they were, and a sentence for each that it leaves: one that somebody else has
 * changed since, or that another open incident names. Pure.
 */
export function toRestore(
  changed: Changed,
  now: readonly Component[],
  claimed: ReadonlySet<string>,
): { restored: Record<string, ComponentStatus>; left: string[] } {
  const restored: Record<string, ComponentStatus> = {};
  const left: string[] = [];
  for (const [id, { from, to }] of Object.entries(changed)) {
    const component = now.find((one) => one.id === id);
    if (!component) left.push(`The component "${id}" is no longer on the status page.`);
    else if (component.status !== to)
      left.push(
        `Somebody else has set "${component.name}" to ${spell(component.status)} on the status page; Muster leaves it so.`,
      );
    else if (claimed.has(id))
      left.push(
        `"${component.name}" stays at ${spell(to)} on the status page, because another open incident names it; set it back with that one.`,
      );
    else restored[id] = from;
  }
  return { restored, left };
}

const spell = (status: string): string => `"${status.replaceAll("_", " ")}"`;
