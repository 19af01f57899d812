import type { EventBody } from "./events.ts";
import type { Plan, PlanNode } from "./plan.ts";
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

/** What a run that is turned back as it stands would do with its services, and has done with them before. */
type Turn = {
  /** Those of which it changes anything. */
  changed: ReadonlySet<string>;
  past: ReadonlySet<string>;
  /** Those it takes with it now, also such as change nothing. */
  now: ReadonlySet<string>;
  /** Of those it takes with it now, the ones with nothing left to do. */
  through: readonly string[];
};

/** A thousand services that park in one second ask for this a thousand times, and nothing about it differs. */
const turns = new WeakMap<RunView, Turn>();

/** Tells what would become of whom. Each step is looked at a few times, however many services there are. Pure. */
export function turnOf(view: RunView): Turn {
  const known = turns.get(view);
  if (known) return known;
  const steps = [...view.steps.values()];
  const changed = changedServices(view);
  const past = pastReturn(view);
  const before = view.turnedBack?.services ?? new Set<string>();
  const nodes = steps.map(({ node }) => node);
  const now = turningBack(nodes, past).difference(before);
  const open = new Set(steps.filter((step) => !isOver(step)).map(({ node }) => node.service));
  const through = [...changed.intersection(now).difference(open)];
  const turn = { changed, past, now, through };
  turns.set(view, turn);
  return turn;
}

/** Has to be called after an event happened in a view: it may have changed who would go back. */
export function forgetTurn(view: RunView, event: EventBody): void {
  if ("step" in event && !endsSteps.has(event.kind) && !view.steps.get(event.step)?.node.oneWay) return;
  turns.delete(view);
}

/** What may be the last of its service to happen; of all else only what happens to a step without a way back counts. */
const endsSteps: ReadonlySet<EventBody["kind"]> = new Set(["done", "waived"]);

/**
 * Services that a run turned back as it stands takes with it, beside those on their way back: where it was turned already, one
 * whose promotion was under way then, and was refused since. Pure.
 */
export const turningNow = (view: RunView): ReadonlySet<string> => turnOf(view).now;

/** Tells whether a service goes back with the run when it is turned back as it stands: not where it is on its way already. Pure. */
export function turnsBack(view: RunView, service: string): boolean {
  const { now, past } = turnOf(view);
  return view.turnedBack ? now.has(service) : !past.has(service);
}

/** Says what it means to end a run without its goal, where its plan says so; nothing else is taken back there. Pure. */
export const spellStopping = ({ stopping }: Pick<Plan, "stopping">): string | undefined =>
  stopping === undefined ? undefined : `${stopping}.`;

/** Says what becomes of a run's services when it is turned back as it stands: who goes back, and who only forward. Pure. */
export function spellTurn(plan: Pick<Plan, "stopping">, view: RunView): string {
  const stopping = spellStopping(plan);
  if (stopping !== undefined) return stopping;
  const { changed, past, now, through } = turnOf(view);
  if (changed.size < 2) return "What this run has changed is taken back, last change first.";
  const back = changed.intersection(now).size;
  const go = back === 1 ? "goes back to where it was" : "go back to where they were";
  const before = [...(view.turnedBack?.services.keys() ?? [])].filter((service) => changed.has(service));
  const forward = [...changed.intersection(past)];
  return [
    `${back} of ${changed.size} services ${go}, last change first, and no later wave begins.`,
    ...(through.length > 0 ? [`Among them are some whose customers are through already: ${some(through)}.`] : []),
    ...(before.length > 0 ? [`Back already, or on their way: ${some(before)}.`] : []),
    ...(forward.length > 0
      ? [`Past their promotion, these ${view.heldBy ? "stay held" : "go on"}: ${some(forward)}.`]
      : []),
  ].join(" ");
}

/** Names a few; a dialog has no room for all. */
const some = (names: readonly string[]): string =>
  names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");

/** Asks whoever presses Undo or Cancel whether that is what they want. Pure. */
export const confirmTurn = (plan: Pick<Plan, "stopping">, view: RunView): string =>
  `End this run? ${spellTurn(plan, view)}`;

/** Asks the same below a message that is never drawn again: nobody knows which services go back once it is pressed. Pure. */
export const confirmTurnLater = (plan: Pick<Plan, "stopping">, view: RunView): string =>
  turnOf(view).changed.size < 2 || plan.stopping !== undefined
    ? confirmTurn(plan, view)
    : "End this run? Every service that can still go back goes back to where it was, last change first, and no later wave begins. Those past their promotion do not; the card names them.";

/** Asks the same of whoever presses Abandon. */
export const confirmAbandon = (plan: Pick<Plan, "stopping">): string =>
  ["End this run as failed, with everything left as it is now?", spellStopping(plan) ?? []].flat().join(" ");
