import type { Context } from "../context.ts";

/** What can stand in a journal: it survives a round trip through JSON unchanged. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json | undefined };

/** A look that saw nothing. It is an answer, and says why. */
export type Unknown = { unknown: string };

/** Says that something cannot be seen, and why, in a sentence a person will read. */
export const unknown = (why: string): Unknown => ({ unknown: why });

/** Tells whether a look saw nothing. */
export const isUnknown = (seen: unknown): seen is Unknown =>
  typeof seen === "object" && seen !== null && typeof (seen as Unknown).unknown === "string";

/** What steps and gates may reach: never the estate, because what was approved is in the plan. */
export type StepContext = Omit<Context, "estate"> & {
  runId: string;
  epoch: number;
  /** Fires when the lease is lost, and ends looks when the process stops; hand it to every call. */
  signal: AbortSignal;
  /**
   * Fires when the process stops. A change of many calls leaves off between two of them by throwing its reason: the next
   * worker sees how far it came, and goes on from there. One call is never cut in half.
   */
  stopping: AbortSignal;
  /**
   * Fires once people want the change no more (a hold, a way back). A change that was begun and has sent nothing yet may
   * leave off by throwing its reason, which proves that nothing happened. A call under way never listens to it.
   */
  unwanted: AbortSignal;
};

/** Journalled results of earlier steps, by step name (`{ "fence-writes": {...} }`); a waived one is `{ waived: true }`. */
export type Reads = Record<string, Json>;

/** What apply and undo know beside their input. */
export type Applied<Seen> = {
  /** What was seen before the first change: the state that undo leads back to. */ before: Seen;
  /** What was seen just now. */ seen: Seen;
  reads: Reads;
};

export type Undo<Input, Seen> =
  /** Reached only while nothing one-way has been tried for this service: the engine sees to that. */
  | {
      apply(ctx: StepContext, input: Input, applied: Applied<Seen>): Promise<void>;
      /** Says what is not back yet as it was before. */
      missing(seen: Seen, before: Seen, input: Input): string | undefined;
      /**
       * For how long after it was taken back the world still acts on the change, in seconds, and how that shows, as a
       * sentence: nothing that it stood on is taken back before. Pure.
       */
      lingers?(input: Input): { seconds: number; because: string };
    }
  /** There is no way back: why, for the person about to approve. */
  | { oneWay: string }
  /** It changes nothing, or nothing that needs to be taken back: why. */
  | { nothing: string };

/** One change to the world (or one check of it) that can be observed, applied, verified and, mostly, undone. */
export type Step<Input = never, Seen = never> = {
  kind: "step";
  /** verb-noun, also the file's name. */
  name: string;
  /** What it does, to finish the sentence "Muster will ...": "send all traffic for checkout to us-west-2". */
  title(input: Input): string;
  /** Looks, and changes nothing. Throws what the adapters throw; `unknown(why)` when the thing cannot be seen. */
  observe(ctx: StepContext, input: Input, reads: Reads): Promise<Seen | Unknown>;
  /** What is still missing, as a sentence without a full stop; undefined when the world is as wanted. Pure. */
  missing(seen: Seen, input: Input, reads: Reads): string | undefined;
  /** What people should hear of what was seen once nothing is missing, as a sentence; undefined where that is no news. Pure. */
  found?(seen: Seen, input: Input): string | undefined;
  /** Why the change may not be made right now though it is wanted ("the replica is backing-up"). Pure. */
  notYet?(seen: Seen, input: Input, reads: Reads): string | undefined;
  /** Whether what is missing needs nothing but time: then nobody is asked, however long it takes. Pure. */
  onlyTime?(seen: Seen, input: Input): boolean;
  /** Makes the change. Twice must equal once. Absent: the step only waits until nothing is missing. */
  apply?(ctx: StepContext, input: Input, applied: Applied<Seen>): Promise<void>;
  /** Whether an error of apply proves that nothing changed (a throttle, a refusal): no settling is needed then. */
  hadNoEffect?(error: unknown): boolean;
  undo: Undo<Input, Seen>;
  /** How long something may be missing (after the last apply, or since the first look) before a person is asked. Lab or real seconds. */
  patienceSeconds: number | ((input: Input) => number);
  /** How long a look may still show what was before a change: the target's read lag. */
  settleSeconds: number;
  /**
   * How long a call that was accepted may leave no trace before a person is asked, who may have it made again: for a change
   * whose beginning shows, as something that stands against a second (`notYet`), long before its end. Less than patience.
   */
  traceSeconds?: number;
  /** How long to wait between looks. */
  pollSeconds: number;
  /**
   * True where "cannot be seen" may end the step as its result (evidence for a gate), once patience is over; "at once" where
   * it need not be waited for as long as nothing was tried.
   */
  acceptsUnknown?(input: Input): boolean | "at once";
};

/** A step that takes an input, whatever it sees: what a step shows is its own business and the journal's. */
export type StepFor<Input> = Omit<Step<Input, never>, "observe"> & {
  observe(ctx: StepContext, input: Input, reads: Reads): Promise<unknown>;
};

/** A step whose deed is a person's decision. */
export type Gate<Input = never> = {
  kind: "gate";
  name: string;
  /** What it does, as of a step: "ask a person before customers of checkout are sent to us-west-2". */
  title(input: Input): string;
  /** The question, with its numbers, from the evidence of earlier steps; undefined when nobody needs to be asked. Pure. */
  question(input: Input, reads: Reads): string | undefined;
  /** How many approvers must say yes; with 2, the requester does not count. */
  needed: 1 | 2;
};

/** Declares a step; the types of its input and of what it sees are checked here and forgotten in the list. */
export function step<Input, Seen>(definition: Omit<Step<Input, Seen>, "kind">): Step<Input, Seen> {
  return { kind: "step", ...definition };
}

/** Declares a gate. */
export function gate<Input>(definition: Omit<Gate<Input>, "kind">): Gate<Input> {
  return { kind: "gate", ...definition };
}

/** Any step or gate, as the list holds it: the engine feeds it JSON from the plan and the journal. */
// The list is heterogeneous on purpose: inputs are checked where a job uses a step.
export type AnyStep = StepFor<never>;
export type AnyGate = Gate<never>;
