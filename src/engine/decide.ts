import { whyExpired } from "./expiry.ts";
import { howMany } from "./break-glass.ts";
import type { EventBody, Outcome } from "./events.ts";
import type { Plan, PlanNode } from "./plan.ts";
import type { Reads } from "./step.ts";
import {
  changedServices,
  goesBack,
  hasTouched,
  isOpen,
  isOver,
  mustGoBack,
  readsOf,
  type RunView,
  type StepView,
} from "./view.ts";

/** How long a plan may wait for its approvals, in seconds. */
export const approvalSeconds = 15 * 60;
/** When people are reminded that something waits for them (a plan, a question, a parked step), in seconds. */
const reminderSeconds = [5 * 60, 10 * 60];

/** What a run needs next. */
export type Decision = {
  /** To be journalled at once; decide again after that. */
  write: EventBody[];
  /** Enough people approved: look at the claims again, then journal "started" or "voided". */
  checkClaims: boolean;
  /** Steps to go on with, forward. */
  start: PlanNode[];
  /** Steps to take back. */
  undo: PlanNode[];
  /** When something is due even if nobody says anything. */
  wakeAt?: Date;
  /** The run is over; journalled as "ended". */
  final?: { outcome: Outcome; because?: string };
};

/** Evaluates a gate's question from what earlier steps found; undefined when nobody needs to be asked. Pure. */
export type Questions = (node: PlanNode, reads: Reads) => string | undefined;

const nothing = (): Decision => ({ write: [], checkClaims: false, start: [], undo: [] });

/** What to do next about a run. A function of the plan, its journal and the time; it knows no step by name. */
export function decide(plan: Plan, view: RunView, now: Date, questions: Questions): Decision {
  if (view.ended) return nothing();
  if (!view.startedAt) return decideProposal(plan, view, now);

  const decision = nothing();
  const awaiting = awaitingBack(view);
  for (const node of plan.nodes) {
    const step = view.steps.get(node.id);
    if (!step) continue;
    if (step.parked) {
      if (isOpen(view, step))
        remind(decision, step.parked.at, step.reminded, now, (times) => ({ kind: "reminded", step: node.id, times }));
      continue;
    }
    if (goesBack(view, step)) {
      if (isNextBack(step, awaiting) && view.heldBecause === undefined) decision.undo.push(node);
    } else if (!isOver(step) && node.after.every((id) => over(view, id))) {
      if (node.kind === "gate") decideGate(decision, { plan, view, step, now, questions });
      else if (!(view.heldBy && node.changes && !hasTouched(step))) decision.start.push(node);
    }
  }
  const final = outcome(plan, view);
  if (final && decision.write.length === 0) decision.final = final;
  return decision;
}

function decideProposal(plan: Plan, view: RunView, now: Date): Decision {
  const decision = nothing();
  if (view.voided) return { ...decision, final: { outcome: "cancelled", because: "the plan no longer held" } };
  if (view.declinedBy) return { ...decision, final: { outcome: "cancelled", because: `${view.declinedBy} declined` } };
  if (view.expired) return { ...decision, final: { outcome: "cancelled", because: whyExpired(plan, view).because } };
  const expiresAt = new Date((view.proposedAt ?? now).getTime() + approvalSeconds * 1000);
  if (now >= expiresAt) return { ...decision, write: [{ kind: "expired" }] };
  if (view.approvals.length >= plan.needed && plan.blockers.length === 0) return { ...decision, checkClaims: true };
  decision.wakeAt = expiresAt;
  if (plan.blockers.length === 0 && view.proposedAt)
    remind(decision, view.proposedAt, view.reminded, now, (times) => ({ kind: "approval-reminded", times }));
  return decision;
}

type Asking = { plan: Plan; view: RunView; step: StepView; now: Date; questions: Questions };

function decideGate(decision: Decision, { plan, view, step, now, questions }: Asking): void {
  const { node } = step;
  if (!step.asked) {
    const question = questions(node, readsOf(view, node));
    if (question === undefined) decision.write.push({ kind: "done", step: node.id, result: { answer: "not needed" } });
    else if (node.answeredBy !== undefined) {
      const result = { answer: "yes", by: [node.answeredBy], beforehand: true };
      decision.write.push({ kind: "done", step: node.id, result, found: question });
    } else decision.write.push({ kind: "asked", step: node.id, question, needed: howMany(plan, node.needed ?? 2) });
    return;
  }
  if (step.answers.length >= step.asked.needed) {
    decision.write.push({ kind: "done", step: node.id, result: { answer: "yes", by: step.answers } });
    return;
  }
  remind(decision, step.asked.at, step.reminded, now, (times) => ({ kind: "reminded", step: node.id, times }));
}

/** Reminds people once of all that is due since they were asked, and wakes up for the next time. */
function remind(
  decision: Decision,
  askedAt: Date,
  had: number,
  now: Date,
  reminder: (times: number) => EventBody,
): void {
  const dueAt = (seconds: number) => new Date(askedAt.getTime() + seconds * 1000);
  const due = reminderSeconds.filter((seconds) => dueAt(seconds) <= now).length;
  if (due > had) decision.write.push(reminder(due));
  const next = reminderSeconds[Math.max(due, had)];
  if (next !== undefined) decision.wakeAt = earlier(decision.wakeAt, dueAt(next));
}

function outcome(plan: Plan, view: RunView): Decision["final"] {
  const back = view.turnedBack;
  const settled = plan.nodes.every(({ id }) => {
    const step = view.steps.get(id);
    return !step || !isOpen(view, step);
  });
  if (!settled) return undefined;
  if (!back) return { outcome: "done" };
  if (plan.stopping !== undefined)
    return { outcome: "cancelled", because: `${back.by} turned it back; ${plan.stopping}` };
  const forward = [...changedServices(view)].filter((service) => !back.services.has(service));
  const others = forward.length > 0 ? `, but for ${forward.join(", ")}, past the point of no return` : "";
  return { outcome: "cancelled", because: `${back.by} turned it back; what had been changed was undone${others}` };
}

/** Whether it is a turned-back step's turn: everything that waited for it is back. */
const isNextBack = (step: StepView, awaiting: ReadonlySet<string>): boolean =>
  mustGoBack(step) && !awaiting.has(step.node.id);

/**
 * The steps that a later one, which must go back before them, waited for, directly or not. Once for all of a run: a plan has
 * an order, and of a thousand services' steps each would otherwise be held against each.
 */
function awaitingBack(view: RunView): ReadonlySet<string> {
  const awaiting = new Set<string>();
  if (!view.turnedBack) return awaiting;
  for (const step of [...view.steps.values()].toReversed()) {
    if (mustGoBack(step) || awaiting.has(step.node.id)) for (const id of step.node.after) awaiting.add(id);
  }
  return awaiting;
}

function over(view: RunView, id: string): boolean {
  const step = view.steps.get(id);
  return step !== undefined && isOver(step);
}

const earlier = (left: Date | undefined, right: Date): Date => (left && left < right ? left : right);

/** Where a run stands, in one word, for lists and cards. Parked: nothing can move until a person says something. */
export type Standing =
  "proposed" | "running" | "held" | "waiting" | "parked" | "turning back" | "done" | "failed" | "cancelled";

/** Tells where a run stands. */
export function standing(view: RunView): Standing {
  if (view.ended) return view.ended.outcome;
  if (!view.startedAt) return "proposed";
  const open = [...view.steps.values()].filter((step) => isOpen(view, step));
  const awaiting = awaitingBack(view);
  const moving = open.some((step) => {
    if (step.parked) return false;
    return goesBack(view, step)
      ? isNextBack(step, awaiting)
      : step.node.kind === "step" && step.firstLookAt !== undefined;
  });
  if (!moving && open.some((step) => step.parked)) return "parked";
  if (view.heldBecause !== undefined) return "held";
  if (view.turnedBack && !(view.heldBy && open.every((step) => !goesBack(view, step)))) return "turning back";
  if (view.heldBy) return "held";
  if (!moving && open.some((step) => step.asked)) return "waiting";
  return "running";
}
