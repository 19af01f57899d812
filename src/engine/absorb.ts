import { accepted } from "./accepted.ts";
import { whyExpired } from "./expiry.ts";
import { howMany, isBroken } from "./break-glass.ts";
import type { EventBody, Signal, Verb } from "./events.ts";
import type { Plan } from "./plan.ts";
import { turningNow } from "./turning-back.ts";
import {
  changedServices,
  goesBack,
  goesWhollyBack,
  isOver,
  isPassed,
  openQuestions,
  pastReturn,
  type RunView,
  type StepView,
} from "./view.ts";

/** How many must waive a step; the requester is not among them. */
const neededToWaive = 2;

/** What may be said to one step; everything else is about the whole run. */
export const verbsOfSteps: readonly Verb[] = ["approve", "decline", "continue", "waive"];

/**
 * Turns what a person said into events, or into one refusal that says why. Pure; each signal is absorbed once, in order.
 * Who may say what: DESIGN §4. One approver holds, resumes, continues, undoes, cancels, declines and abandons; approving and
 * waiving take two who did not ask for the run, unless the plan says that those rules were broken.
 */
export function absorb(plan: Plan, view: RunView, signal: Signal): EventBody[] {
  const { by, seq, verb } = signal;
  const refuse = (because: string): EventBody[] => [{ kind: "refused", by, signal: seq, verb, because }];
  if (view.ended) return refuse(`the run is over (${view.ended.outcome})`);
  if (signal.because !== undefined) return doubt(view, signal, signal.because);
  if (!plan.approvers.includes(by))
    return refuse(`${by} is not among those who decide here: ${plan.approvers.join(", ")}`);
  const step = signal.step === undefined ? undefined : view.steps.get(signal.step);
  if (signal.step !== undefined && !step) return refuse(`the run has no step "${signal.step}"`);
  if (step && !verbsOfSteps.includes(verb))
    return refuse(`that is about all of the run, and never about one step of it such as ${step.node.id}`);

  switch (verb) {
    case "approve":
      return step ? answerGate(plan, view, step, signal, refuse) : approveRun(plan, view, signal, refuse);
    case "decline":
      if (step) return declineGate(view, step, signal, refuse);
      if (view.startedAt) return refuse(`it is already under way; ${nameQuestions(view)}cancel or undo it instead`);
      if (view.declinedBy) return refuse(`${view.declinedBy} has declined it already`);
      return [{ kind: "declined", by, signal: seq }];
    case "hold":
      if (!view.startedAt) return refuse("it has not started");
      if (goesWhollyBack(view)) return refuse("it is on its way back; that is not held");
      return view.heldBy ? refuse(`${view.heldBy} holds it already`) : [{ kind: "held", by, signal: seq }];
    case "resume":
      return view.heldBy ? [{ kind: "resumed", by, signal: seq }] : refuse("nobody holds it");
    case "continue":
      return continueParked(view, step, signal, refuse);
    case "waive":
      return waive(plan, view, step, signal, refuse);
    case "undo":
    case "cancel":
      return turnBack(view, signal, verb, refuse);
    case "abandon":
      if (!view.startedAt) return refuse("it has not started; decline it instead");
      return [
        accepted(signal, ["the run ends here, as it stands", plan.stopping ?? []].flat().join("; ")),
        { kind: "ended", outcome: "failed", because: `${by} abandoned it` },
      ];
  }
}

/** Muster's own word that its journal is older than the world: nothing is changed before people have looked, whichever way it goes. */
function doubt(view: RunView, { by, seq }: Signal, because: string): EventBody[] {
  return view.startedAt
    ? [{ kind: "held", by, signal: seq, because }]
    : [{ kind: "voided", because: [because], signal: seq }];
}

type Refuse = (because: string) => EventBody[];

/** Names the steps whose questions are open, for whoever answered without naming one. */
function nameQuestions(view: RunView): string {
  const open = openQuestions(view).map(({ node }) => node.id);
  if (open.length === 0) return "";
  return `a question is answered with its step (${open.slice(0, 4).join(", ")}${open.length > 4 ? ", ..." : ""}); `;
}

function approveRun(plan: Plan, view: RunView, { by, seq, planHash }: Signal, refuse: Refuse): EventBody[] {
  if (view.startedAt) return refuse(`${nameQuestions(view)}it was already approved and is under way`);
  if (view.voided) return refuse(`its plan no longer holds: ${view.voided.join("; ")}`);
  if (view.expired) return refuse(`its time is over: ${whyExpired(plan, view).because}`);
  if (view.declinedBy) return refuse(`${view.declinedBy} has declined it`);
  if (plan.blockers.length > 0) return refuse(`it cannot be approved: ${plan.blockers.join("; ")}`);
  if (planHash !== undefined && planHash !== view.planHash)
    return refuse("the plan you saw is not the plan of this run");
  if (by === view.requestedBy && !isBroken(plan, "requester"))
    return refuse("you asked for it, and nobody can approve their own request");
  if (view.approvals.some((approval) => approval.by === by)) return refuse("you have approved it already");
  if (view.approvals.length >= plan.needed) return refuse("enough people have approved it already");
  return [{ kind: "approved", by, signal: seq }];
}

function answerGate(plan: Plan, view: RunView, step: StepView, { by, seq }: Signal, refuse: Refuse): EventBody[] {
  if (!step.asked || isOver(step)) return refuse("that question is not open");
  if (goesBack(view, step)) return refuse(noLongerAsked);
  if (step.parked) return refuse("somebody has said no to it; press Continue, and it is asked again");
  // Fewer may be enough; that the requester is not among them is a rule of its own.
  if ((step.node.needed ?? step.asked.needed) === 2 && by === view.requestedBy && !isBroken(plan, "requester"))
    return refuse(`you asked for this run, so ${others(step.asked.needed)} must answer`);
  if (step.answers.includes(by)) return refuse("you have answered already");
  return [{ kind: "answered", step: step.node.id, by, signal: seq }];
}

const others = (needed: 1 | 2): string => (needed === 2 ? "two others" : "another");

const noLongerAsked = "its service is on its way back; nothing is asked about it any more";

function declineGate(view: RunView, step: StepView, signal: Signal, refuse: Refuse): EventBody[] {
  if (!step.asked || isOver(step)) return refuse("that question is not open");
  if (goesBack(view, step)) return refuse(noLongerAsked);
  if (step.parked) return refuse("somebody has said no to it already");
  return [
    accepted(signal, "the run goes no further on this way"),
    { kind: "parked", step: step.node.id, because: `${signal.by} said no to: "${step.asked.question}"` },
  ];
}

function continueParked(view: RunView, step: StepView | undefined, { by, seq }: Signal, refuse: Refuse): EventBody[] {
  const parked = step ? [step] : [...view.steps.values()].filter((candidate) => candidate.parked);
  if (parked.length === 0 || parked.some((candidate) => !candidate.parked)) return refuse("nothing is parked there");
  return parked.map((candidate) => ({ kind: "continued", step: candidate.node.id, by, signal: seq }));
}

function waive(
  plan: Plan,
  view: RunView,
  step: StepView | undefined,
  { by, seq, park }: Signal,
  refuse: Refuse,
): EventBody[] {
  const needed = howMany(plan, neededToWaive);
  if (!step) return refuse("name the step to be waived");
  if (!step.parked) return refuse("only a parked step can be waived");
  if (goesBack(view, step)) return refuse("the run is on its way back; an undo is not waived");
  if (step.node.kind === "gate") return refuse("a question is answered, not waived");
  if (by === view.requestedBy && !isBroken(plan, "requester"))
    return refuse(`you asked for this run, so ${others(needed)} must waive`);
  if (park !== undefined && park !== step.parks)
    return refuse("it is parked for another reason than when you were asked; look at the newest message of its thread");
  if (step.waivers.includes(by)) return refuse("you have waived it already");
  const kind = step.waivers.length + 1 >= needed ? "waived" : "waive-seconded";
  return [{ kind, step: step.node.id, by, signal: seq }];
}

function turnBack(view: RunView, { by, seq }: Signal, verb: "undo" | "cancel", refuse: Refuse): EventBody[] {
  if (!view.startedAt) return refuse("it has not started; decline it instead");
  if (view.turnedBack && turningNow(view).size === 0) return refuse("it is on its way back already");
  if (view.heldBecause !== undefined)
    return refuse(
      "Muster's journal may have forgotten that there is no way back; press Resume, and it is looked at first",
    );
  const forward = pastReturn(view);
  if ([...changedServices(view)].every((service) => forward.has(service))) {
    const oneWay = [...view.steps.values()].find(isPassed);
    return refuse(`there is no way back after "${oneWay?.node.title}": ${oneWay?.node.oneWay}`);
  }
  return [{ kind: "turned-back", by, signal: seq, verb }];
}
