import type { JournalEvent } from "./events.ts";
import type { Plan, PlanNode } from "./plan.ts";
import { forgetTurn, turningNow } from "./turning-back.ts";
import { goesWhollyBack, isOver, type RunView, type StepView } from "./view.ts";

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
  forgetTurn(view, event);
}

const blank = (node: PlanNode): StepView => ({
  node,
  triesSinceContinue: 0,
  attempts: 0,
  refusedTries: 0,
  parks: 0,
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
      if (event.signal !== undefined) view.mayHaveForgotten = true;
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
      const turned = turningNow(view);
      const services = new Map(view.turnedBack?.services);
      for (const service of turned) services.set(service, event.at);
      view.turnedBack = { by: event.by, verb: event.verb, at: event.at, services };
      // What goes back is not held; what only goes forward is held for as long as somebody wants it.
      if (goesWhollyBack(view)) letGo(view);
      // What was parked on the way forward does not stop the way back.
      for (const step of view.steps.values()) {
        if (!turned.has(step.node.service)) continue;
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
      if (event.noEffect) step.refusedTries += 1;
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
      step.parks += 1;
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
