import type { PlanNode } from "./plan.ts";
import { changedServices, isOver, pastReturn, type RunView } from "./view.ts";

/**
 * Services that are turned back with a run, given those past the point of no return: all others, but for services that
 * change nothing and that a service going forward waits for. So what would only make way for services on their way back
 * (the start of a wave that does not begin) is turned back with them, and has nothing left to do. Pure.
 */
export function turningBack(nodes: readonly PlanNode[], past: ReadonlySet<string>): Set<string> {
  const changed = new Set(nodes.filter(({ changes }) => changes).map(({ service }) => service));
  const forward = new Set(past);
  const awaited = new Set<string>();
  // A node stands behind those it waits for, so whoever waits is met first.
  for (const node of nodes.toReversed()) {
    if (awaited.has(node.id) && !changed.has(node.service)) forward.add(node.service);
    if (forward.has(node.service)) for (const id of node.after) awaited.add(id);
  }
  return new Set(nodes.map(({ service }) => service)).difference(forward);
}

/**
 * Services that a run turned back as it stands takes with it, beside those on their way back: where it was turned already, one
 * whose promotion was under way then, and was refused since. Pure.
 */
export function turningNow(view: RunView): Set<string> {
  const nodes = Array.from(view.steps.values(), ({ node }) => node);
  return turningBack(nodes, pastReturn(view)).difference(view.turnedBack?.services ?? new Set<string>());
}

/** Says what becomes of a run's services when it is turned back as it stands: who goes back, and who only forward. Pure. */
export function spellTurn(view: RunView): string {
  const changed = changedServices(view);
  if (changed.size < 2) return "What this run has changed is taken back, last change first.";
  const past = changed.intersection(pastReturn(view));
  const back = `${changed.size - past.size} of ${changed.size} services go back to where they were, last change first, and no later wave begins.`;
  const through = [...changed.difference(past)].filter((service) => isThrough(view, service));
  return [
    back,
    ...(through.length > 0 ? [`Among them are some whose customers are through already: ${some(through)}.`] : []),
    ...(past.size > 0
      ? [`Past their promotion, these ${view.heldBy ? "stay held" : "go on"}: ${some([...past])}.`]
      : []),
  ].join(" ");
}

const isThrough = ({ steps }: RunView, service: string): boolean =>
  [...steps.values()].every((step) => step.node.service !== service || isOver(step));

/** Names a few; a dialog has no room for all. */
const some = (names: readonly string[]): string =>
  names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");

/** Asks whoever presses Undo or Cancel whether that is what they want. Pure. */
export const confirmTurn = (view: RunView): string => `End this run? ${spellTurn(view)}`;

/** Asks the same of whoever presses Abandon. */
export const confirmAbandon = "End this run as failed, with everything left as it is now?";
