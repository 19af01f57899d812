import type { Outcome } from "./events.ts";
import type { PlanNode } from "./plan.ts";
import type { Json, Reads } from "./step.ts";

/** One step as its journal tells it. */
export type StepView = {
  node: PlanNode;
  firstLookAt?: Date;
  /** Patience counts from here: the first look, the last try, a take-over, or when a person said "continue" or turned it back. */
  patienceFrom?: Date;
  /** How often an apply was intended since the last "continue", and in all. */
  triesSinceContinue: number;
  attempts: number;
  /** Of all tries, those that are known to have changed nothing: what was asked for was refused. */
  refusedTries: number;
  /** The newest intent, and how it ended. Open: nobody knows. */
  lastTry?: {
    attempt: number;
    at: Date;
    end: "open" | "applied" | "failed";
    noEffect?: boolean;
    error?: string;
    endedAt?: Date;
  };
  /** What was seen before the first change. */
  before?: Json;
  waitingFor?: string;
  done?: { at: Date; result: Json; found?: string };
  parked?: { at: Date; seq: number; because: string; todo?: string };
  continuedAt?: Date;
  waivers: string[];
  waived?: { at: Date; by: string[] };
  asked?: { at: Date; question: string; needed: 1 | 2 };
  answers: string[];
  /** How often people were reminded of its question, or of its being parked. */
  reminded: number;
  /** How often it was parked: whoever waives it means one of these. */
  parks: number;
  undo: {
    attempts: number;
    lastTry?: { attempt: number; at: Date; end: "open" | "applied" | "failed"; noEffect?: boolean; endedAt?: Date };
  };
  undone?: Date;
};

/** A run as its journal tells it. */
export type RunView = {
  proposedAt?: Date;
  planHash: string;
  requestedBy: string;
  reason?: string;
  approvals: { by: string; at: Date }[];
  /** How often those who may approve were reminded. */
  reminded: number;
  declinedBy?: string;
  voided?: string[];
  /** Set where it was voided because the journal is an older copy: what it tells of the world may be too little. */
  mayHaveForgotten?: true;
  expired: boolean;
  startedAt?: Date;
  heldBy?: string;
  /** Why, where Muster itself holds it. */
  heldBecause?: string;
  /** Services on their way back, also those that change nothing, with when each was turned; and who turned the newest of them. */
  turnedBack?: { by: string; verb: "cancel" | "undo"; at: Date; services: ReadonlyMap<string, Date> };
  steps: Map<string, StepView>;
  takeOvers: number;
  /** The newest signal that has been answered. */
  lastSignal: number;
  ended?: { outcome: Outcome; at: Date; because?: string };
};

/** Tells whether a step is out of the way of those that wait for it. */
export const isOver = (step: StepView): boolean => step.done !== undefined || step.waived !== undefined;

/** Tells whether a step may have changed the world. */
export const hasTouched = (step: StepView): boolean => step.attempts > 0;

/** The journalled results that a node asked to read. */
export function readsOf(view: RunView, node: PlanNode): Reads {
  return Object.fromEntries(
    node.reads.map((id) => {
      const step = view.steps.get(id);
      return [step?.node.step ?? id, step?.done?.result ?? { waived: true }];
    }),
  );
}

/**
 * Tells whether a step is one-way and may have been gone, by this run or, as it was found, by somebody else. A try that was
 * refused went nowhere; one whose end nobody knows may have, and so may one that people went on from as if it were done.
 */
export const isPassed = (step: StepView): boolean =>
  step.node.oneWay !== undefined &&
  (step.attempts > step.refusedTries || step.done !== undefined || (step.waived !== undefined && hasTouched(step)));

/** Services that have a one-way step behind them: for them there is only forward. */
export function pastReturn(view: RunView): Set<string> {
  const steps = [...view.steps.values()];
  return new Set(steps.filter(isPassed).map((step) => step.node.service));
}

/** Tells whether a step is of a service on its way back. */
export const goesBack = (view: RunView, { node }: Pick<StepView, "node">): boolean =>
  view.turnedBack?.services.has(node.service) ?? false;

/** Tells whether a step on its way back still has something to take back; a one-way step there was never gone. */
export const mustGoBack = (step: StepView): boolean =>
  step.node.changes && step.node.oneWay === undefined && hasTouched(step) && !step.undone;

/** Tells whether something is left to do about a step, on the way it goes. On the way back that is no question. */
export const isOpen = (view: RunView, step: StepView): boolean =>
  goesBack(view, step) ? mustGoBack(step) : !isOver(step);

/** Steps whose questions wait for people. */
export const openQuestions = (view: RunView): StepView[] =>
  [...view.steps.values()].filter((step) => step.asked && !step.parked && isOpen(view, step));

/** Services of which a run changes anything. */
export const changedServices = (view: Pick<RunView, "steps">): Set<string> =>
  new Set([...view.steps.values()].filter(({ node }) => node.changes).map(({ node }) => node.service));

/** Tells whether all that a run changes is on its way back. */
export const goesWhollyBack = (view: RunView): boolean =>
  view.turnedBack !== undefined && changedServices(view).isSubsetOf(view.turnedBack.services);
