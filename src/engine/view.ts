import type { JournalEvent, Outcome } from "./events.ts";
import type { Plan, PlanNode } from "./plan.ts";
import type { Json, Reads } from "./step.ts";
import { turningBack } from "./turning-back.ts";

/** One step as its journal tells it. */
export type StepView = {
  node: PlanNode;
  firstLookAt?: Date;
  /** Patience counts from here: the first look, the last try, a take-over, or when a person said "continue" or turned it back. */
  patienceFrom?: Date;
  /** How often an apply was intended since the last "continue", and in all. */
  triesSinceContinue: number;
  attempts: number;
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
  expired: boolean;
  startedAt?: Date;
  heldBy?: string;
  /** Why, where Muster itself holds it. */
  heldBecause?: string;
  /** Services on their way back, also those that change nothing, and who turned them. */
  turnedBack?: { by: string; verb: "cancel" | "undo"; at: Date; services: Set<string> };
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

/** Services that have a one-way step with an intent: for them there is only forward. */
export function pastReturn(view: RunView): Set<string> {
  const steps = [...view.steps.values()];
  return new Set(
    steps.filter((step) => step.node.oneWay !== undefined && hasTouched(step)).map((step) => step.node.service),
  );
}

/** Tells whether a step is of a service on its way back. */
export const goesBack = (view: RunView, { node }: Pick<StepView, "node">): boolean =>
  view.turnedBack?.services.has(node.service) ?? false;

/** Tells whether a step on its way back still has something to take back. */
export const mustGoBack = (step: StepView): boolean => step.node.changes && hasTouched(step) && !step.undone;

/** Services of which a run changes anything. */
export const changedServices = (view: Pick<RunView, "steps">): Set<string> =>
  new Set([...view.steps.values()].filter(({ node }) => node.changes).map(({ node }) => node.service));

/** Reads a journal from its first event to its last. Kinds that are unknown change nothing: who drives a run has refused them. */
export function fold(plan: Plan, events: readonly JournalEvent[]): RunView {
  const view: RunView = {
    planHash: "",
    requestedBy: "",
    approvals: [],
    reminded: 0,
    expired: false,
    steps: new Map(plan.nodes.map((node) => [node.id, blank(node)])),
    takeOvers: 0,
    lastSignal: 0,
  };
  for (const event of events) foldInto(view, event);
  return view;
}

/** Lets one more event happen in a view, which is changed by it: see `extended` for one that others still look at. */
export function foldInto(view: RunView, event: JournalEvent): void {
  if ("signal" in event && event.signal !== undefined) view.lastSignal = Math.max(view.lastSignal, event.signal);
  if ("step" in event) foldStep(view.steps.get(event.step), event);
  else foldRun(view, event);
}

const blank = (node: PlanNode): StepView => ({
  node,
  triesSinceContinue: 0,
  attempts: 0,
  waivers: [],
  answers: [],
  reminded: 0,
  undo: { attempts: 0 },
});

type StepEvent = Extract<JournalEvent, { step: string }>;
type RunEvent = Exclude<JournalEvent, StepEvent>;

function foldRun(view: RunView, event: RunEvent): void {
  switch (event.kind) {
    case "proposed":
      view.proposedAt = event.at;
      view.planHash = event.planHash;
      view.requestedBy = event.by;
      if (event.reason !== undefined) view.reason = event.reason;
      break;
    case "approved":
      view.approvals.push({ by: event.by, at: event.at });
      break;
    case "approval-reminded":
      view.reminded = event.times;
      break;
    case "declined":
      view.declinedBy = event.by;
      break;
    case "voided":
      view.voided = event.because;
      break;
    case "expired":
      view.expired = true;
      break;
    case "started":
      view.startedAt = event.at;
      break;
    case "taken-over":
      view.takeOvers += 1;
      beginPatienceAnew(view, event.at);
      break;
    case "taken-up-late":
      beginPatienceAnew(view, event.at);
      break;
    case "held":
      view.heldBy = event.by;
      if (event.because !== undefined) view.heldBecause = event.because;
      break;
    case "resumed":
      letGo(view);
      break;
    case "turned-back": {
      const nodes = Array.from(view.steps.values(), ({ node }) => node);
      const services = turningBack(nodes, pastReturn(view));
      view.turnedBack = { by: event.by, verb: event.verb, at: event.at, services };
      letGo(view);
      // What was parked on the way forward does not stop the way back.
      for (const step of view.steps.values()) {
        if (!services.has(step.node.service)) continue;
        delete step.parked;
        step.patienceFrom = event.at;
      }
      break;
    }
    case "refused":
      break;
    case "ended":
      view.ended = {
        outcome: event.outcome,
        at: event.at,
        ...(event.because === undefined ? {} : { because: event.because }),
      };
      break;
  }
}

function letGo(view: RunView): void {
  delete view.heldBy;
  delete view.heldBecause;
}

/** While nobody worked, nobody was patient. */
function beginPatienceAnew(view: RunView, at: Date): void {
  for (const step of view.steps.values()) if (step.patienceFrom && !isOver(step)) step.patienceFrom = at;
}

function foldStep(step: StepView | undefined, event: StepEvent): void {
  if (!step) return;
  switch (event.kind) {
    case "first-look":
      step.firstLookAt = event.at;
      step.patienceFrom = event.at;
      break;
    case "waiting":
      step.waitingFor = event.missing;
      break;
    case "intent":
      step.attempts += 1;
      step.triesSinceContinue += 1;
      step.before ??= event.before;
      step.lastTry = { attempt: event.attempt, at: event.at, end: "open" };
      step.patienceFrom = event.at;
      break;
    case "applied":
      if (step.lastTry) step.lastTry = { ...step.lastTry, end: "applied", endedAt: event.at };
      step.patienceFrom = event.at;
      break;
    case "call-failed":
      if (step.lastTry)
        step.lastTry = {
          ...step.lastTry,
          end: "failed",
          noEffect: event.noEffect,
          error: event.error,
          endedAt: event.at,
        };
      break;
    case "done":
      step.done = { at: event.at, result: event.result, ...(event.found === undefined ? {} : { found: event.found }) };
      delete step.parked;
      break;
    case "parked":
      step.parked = {
        at: event.at,
        seq: event.seq,
        because: event.because,
        ...(event.todo ? { todo: event.todo } : {}),
      };
      step.reminded = 0;
      break;
    case "continued":
      delete step.parked;
      delete step.asked;
      step.answers = [];
      step.waivers = [];
      step.reminded = 0;
      step.continuedAt = event.at;
      step.patienceFrom = event.at;
      step.triesSinceContinue = 0;
      step.undo.attempts = 0;
      break;
    case "waive-seconded":
      step.waivers.push(event.by);
      break;
    case "waived":
      step.waived = { at: event.at, by: [...step.waivers, event.by] };
      delete step.parked;
      break;
    case "asked":
      step.asked = { at: event.at, question: event.question, needed: event.needed };
      break;
    case "reminded":
      step.reminded = event.times;
      break;
    case "answered":
      step.answers.push(event.by);
      break;
    case "undo-intent":
      step.undo.attempts += 1;
      step.undo.lastTry = { attempt: event.attempt, at: event.at, end: "open" };
      step.patienceFrom = event.at;
      break;
    case "undo-applied":
      if (step.undo.lastTry) step.undo.lastTry = { ...step.undo.lastTry, end: "applied", endedAt: event.at };
      break;
    case "undo-failed":
      if (step.undo.lastTry)
        step.undo.lastTry = { ...step.undo.lastTry, end: "failed", noEffect: event.noEffect, endedAt: event.at };
      break;
    case "undone":
      step.undone = event.at;
      delete step.parked;
      break;
  }
}
