import type { Context } from "../context.ts";
import { CannotContinue, messageOf } from "../errors.ts";
import type { EventBody } from "./events.ts";
import type { Journal } from "./journal.ts";
import type { Look, Verdict } from "./judge.ts";
import type { Lease } from "./lease.ts";
import type { PlanNode } from "./plan.ts";
import { isUnknown, type Json, type StepContext } from "./step.ts";
import { goesBack, type RunView, type StepView } from "./view.ts";

/** What the loop of one step holds. */
export type Hands = {
  ctx: Context;
  lease: Lease;
  journal: Journal;
  node: PlanNode;
  /** Fires when the step is no longer wanted, or the process stops. It ends looks and waits, never a change. */
  halt: AbortSignal;
  /** What fires once a change that begins now is wanted no more. */
  unwanted: () => AbortSignal;
  /** Fires when the process stops. */
  stopping: AbortSignal;
};

/** Why the loop of a step came back. "later": nothing to do before then, so the run need not be held for it. */
export type CameBack = { kind: "settled" } | { kind: "halted" } | { kind: "later"; at: Date };

/** One step on one way, forward or back, so that both are pursued by the same loop. */
export type Way = {
  name: "forward" | "back";
  observe(ctx: StepContext): Promise<unknown>;
  missing(seen: Json): Look;
  /** `mayAccept`: the step itself said that it cannot be seen; a look that failed is never taken as its answer. */
  judge(look: Look, view: RunView, mayAccept: boolean): Verdict;
  /** Whether a change may be begun, by the newest journal. */
  mayChange(view: RunView): boolean;
  change(ctx: StepContext, seen: Json): Promise<void>;
  hadNoEffect(error: unknown): boolean;
  intent(attempt: number, seen: Json): EventBody;
  applied(attempt: number): EventBody;
  failed(attempt: number, error: string, noEffect: boolean): EventBody;
  done(result: Json): EventBody;
};

/** A wait longer than this is not sat out: the step is handed back, and the run may be released. In clock seconds. */
const longestWaitSeconds = 20;
/** A changed sentence is journalled at once; one in which only numbers changed, this often. In clock seconds. */
const countsEverySeconds = 30;

/** Looks, and does what the look asks for, until the step is done, parked, halted or waits for long. */
export async function pursue(hands: Hands, way: Way): Promise<CameBack> {
  const { ctx, lease, journal, node, halt } = hands;
  const stop = AbortSignal.any([halt, lease.signal]);
  let saidAt = 0;
  try {
    for (;;) {
      stop.throwIfAborted();
      const { look, seen, mayAccept } = await lookOnce(hands, way, stop);
      lease.check();
      const verdict = way.judge(look, journal.view(), mayAccept);
      if (verdict.next === "move-on") return await settle(journal, way.done(seen));
      if (verdict.next === "accept-unknown") return await settle(journal, way.done({ unknown: verdict.why }));
      if (verdict.next === "park") return await park(hands, way.name, parked(node, verdict.because));
      if (verdict.next === "apply") {
        const result = await changeOnce(hands, way, verdict.attempt, seen);
        if (result) return result;
        continue;
      }
      const saidNow = ctx.now().getTime();
      const sentence = "unknown" in look ? look.unknown : (look.notYet ?? look.missing);
      const before = stepOf(journal, node)?.waitingFor;
      const countsOnly = before !== undefined && sentence !== undefined && wordsOf(before) === wordsOf(sentence);
      const isNews = sentence !== before && (!countsOnly || saidNow - saidAt >= countsEverySeconds * 1000);
      if (sentence !== undefined && isNews) {
        await journal.write(() => ({ events: [{ kind: "waiting", step: node.id, missing: sentence }] }));
        saidAt = saidNow;
      }
      const seconds = Math.max(0.05, verdict.afterSeconds);
      if (seconds > longestWaitSeconds) return { kind: "later", at: new Date(ctx.now().getTime() + seconds * 1000) };
      await ctx.activity.waiting(node.id, () => ctx.clock.sleep(seconds, stop));
    }
  } catch (error) {
    lease.signal.throwIfAborted();
    if (halt.aborted && error === halt.reason) return { kind: "halted" };
    throw error;
  }
}

const stepOf = (journal: Journal, node: PlanNode): StepView | undefined => journal.view().steps.get(node.id);
const wordsOf = (sentence: string): string => sentence.replaceAll(/\d+/g, "#");

async function settle(journal: Journal, ...events: EventBody[]): Promise<CameBack> {
  await journal.write(() => ({ events }));
  return { kind: "settled" };
}

type Looked = { look: Look; seen: Json; mayAccept: boolean };

async function lookOnce(hands: Hands, way: Way, stop: AbortSignal): Promise<Looked> {
  try {
    const seen = asJson(await way.observe(contextOf(hands, stop, stop)));
    if (isUnknown(seen)) return { look: seen, seen, mayAccept: true };
    return { look: way.missing(seen), seen, mayAccept: false };
  } catch (error) {
    stop.throwIfAborted();
    if (error instanceof CannotContinue) throw error;
    // Nothing was seen. That is tried again until patience ends, and then parks in the words of the error.
    return { look: { unknown: `it could not be looked at: ${messageOf(error)}` }, seen: null, mayAccept: false };
  }
}

/** Intent, call, outcome. Comes back with nothing when the world is to be looked at again. */
async function changeOnce(hands: Hands, way: Way, attempt: number, seen: Json): Promise<CameBack | undefined> {
  const { ctx, lease, journal, node } = hands;
  await lease.ensure(ctx.callTimeoutMs);
  // Of a hold that comes after the intent was written, whoever makes the change hears.
  const unwanted = hands.unwanted();
  const begun = await journal.write((view) =>
    !hands.halt.aborted && way.mayChange(view) ? { events: [way.intent(attempt, seen)] } : undefined,
  );
  if (!begun) return { kind: "halted" };
  await lease.ensure(ctx.callTimeoutMs);
  // A halt does not reach the call: cut in half, its outcome would be unknown to no purpose.
  const outcome = await way.change(contextOf(hands, lease.signal, unwanted), seen).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  lease.check();
  if (!outcome) {
    await journal.write(() => ({ events: [way.applied(attempt)] }));
    return undefined;
  }
  const { error } = outcome;
  // It left off because this process stops: its intent stays open, and the next worker looks how far it came.
  if (hands.stopping.aborted && error === hands.stopping.reason) return { kind: "halted" };
  const isWithdrawn = unwanted.aborted && error === unwanted.reason;
  const failed = way.failed(attempt, messageOf(error), isWithdrawn || way.hadNoEffect(error));
  if (error instanceof CannotContinue) return park(hands, way.name, parkedBy(node, error), failed);
  await journal.write(() => ({ events: [failed] }));
  return undefined;
}

/**
 * Parks a step, after what led to it. A step that was turned back meanwhile is not parked by what stopped it on its way
 * forward: nobody wants that any more, and its way back would wait for a person.
 */
export async function park(
  { journal, node }: Hands,
  way: Way["name"],
  event: EventBody,
  ...before: EventBody[]
): Promise<CameBack> {
  await journal.write((view) => {
    const isMoot = way === "forward" && goesBack(view, { node });
    const events = isMoot ? before : [...before, event];
    return events.length === 0 ? undefined : { events };
  });
  return { kind: "settled" };
}

const parked = (node: PlanNode, because: string): EventBody => ({ kind: "parked", step: node.id, because });

/** Parks in the words of whoever knew best why trying again cannot help. */
export function parkedBy(node: PlanNode, error: CannotContinue): EventBody {
  const { happened, means, todo } = error.explanation;
  return { kind: "parked", step: node.id, because: `${happened} ${means}`.replace(/\.$/, ""), todo };
}

/** What a step may reach: no estate, and no call that could outlive the lease. */
function contextOf({ ctx, lease, stopping }: Hands, signal: AbortSignal, unwanted: AbortSignal): StepContext {
  const { estate: _, ...reachable } = ctx;
  const point = async (name: string) => {
    await ctx.point(name);
    if (name.startsWith("before ")) await lease.ensure(ctx.callTimeoutMs);
    else lease.check();
  };
  const { runId, epoch } = lease;
  return { ...reachable, onBehalfOf: "step", point, signal, stopping, unwanted, runId, epoch };
}

/** What is journalled is what a later worker will read, so this worker uses nothing else either. */
function asJson(seen: unknown): Json {
  return seen === undefined ? null : (JSON.parse(JSON.stringify(seen)) as Json);
}
