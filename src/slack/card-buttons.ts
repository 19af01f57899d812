import type { Button } from "../chat.ts";
import { howMany } from "../engine/break-glass.ts";
import type { Plan } from "../engine/plan.ts";
import {
  changedServices,
  goesBack,
  goesWhollyBack,
  hasTouched,
  isOpen,
  openQuestions,
  pastReturn,
  type RunView,
  type StepView,
} from "../engine/view.ts";
import { confirmAbandon, confirmTurn, spellStopping, turningNow } from "../engine/turning-back.ts";
import { movesMany } from "./card-services.ts";
import type { CardRun } from "./plan-card.ts";

/** How many questions and parked steps have buttons of their own; the others are reached as `/muster runs ...`. */
const mostShown = 4;

/** Lists what can be said to a run as it stands now. The run itself has the last word about each. Pure. */
export function cardButtons(run: CardRun, view: RunView): Button[] {
  const one = (verb: string, label: string, rest: Partial<Button> = {}): Button => ({
    label,
    verb,
    runId: run.id,
    ...rest,
  });
  if (!view.startedAt) return beforeStart(run, view, one);
  if (view.ended) return [];

  const steps = [...view.steps.values()];
  const parked = steps.filter((step) => step.parked && isOpen(view, step));
  const asked = openQuestions(view);
  const forward = pastReturn(view);
  const turns = view.turnedBack ? turningNow(view).size > 0 : !changedServices(view).isSubsetOf(forward);
  const mayTurn = turns && view.heldBecause === undefined;
  const mayAbandon = parked.length > 0 && (!mayTurn || view.turnedBack !== undefined);
  const touched = steps.some((step) => step.node.changes && hasTouched(step));
  const nameIn = (several: StepView[], { node }: StepView) =>
    several.length < 2 ? "" : ` ${movesMany(view) ? node.id : node.step}`;
  return [
    ...asked.slice(0, mostShown).flatMap((step) => answers(step, nameIn(asked, step), one)),
    ...parked.slice(0, mostShown).flatMap((step) => ways(step, nameIn(parked, step), { view, plan: run.plan }, one)),
    ...(parked.length > 1 ? [one("continue", "Continue all", { style: "primary" })] : []),
    ...(view.heldBy ? [one("resume", "Resume", { style: "primary" })] : []),
    ...(view.heldBy || goesWhollyBack(view) ? [] : [one("hold", "Hold")]),
    ...(mayTurn ? [touched && parked.length > 0 ? undo(run, view, one) : cancel(run, view, one)] : []),
    ...(mayAbandon ? [one("abandon", "Abandon", { confirm: confirmAbandon(run.plan), style: "danger" })] : []),
  ];
}

type One = (verb: string, label: string, rest?: Partial<Button>) => Button;

function beforeStart({ id, plan, planHash }: CardRun, view: RunView, one: One): Button[] {
  if (view.declinedBy) return [];
  const blocked = plan.blockers.length > 0;
  if (view.voided || view.expired || view.ended || blocked)
    return [one("look-again", "Look again", { style: "primary" })];
  const confirm = `${plan.title}? This is plan ${planHash.slice(0, 8)} of run ${id}.`;
  return [
    one("approve", "Approve", { style: "primary", confirm: `Approve to ${confirm}` }),
    one("decline", "Decline", { style: "danger" }),
  ];
}

function answers({ node, asked }: StepView, name: string, one: One): Button[] {
  return [
    one("approve", `Approve${name}`, { step: node.id, style: "danger", confirm: asked?.question ?? node.title }),
    one("decline", `Decline${name}`, { step: node.id }),
  ];
}

// Both do the same; the card shows the word that fits how the run stands.
const undo = ({ plan }: CardRun, view: RunView, one: One): Button =>
  one("undo", "Undo", { confirm: confirmTurn(plan, view) });
const cancel = ({ plan }: CardRun, view: RunView, one: One): Button =>
  one("cancel", "Cancel", { confirm: confirmTurn(plan, view), style: "danger" });

type Standing = { view: RunView; plan: Plan };

function ways(step: StepView, name: string, { view, plan }: Standing, one: One): Button[] {
  const { node } = step;
  const again = one("continue", `Continue${name}`, { step: node.id, style: "primary" });
  if (node.kind === "gate" || goesBack(view, step)) return [again];
  const people = howMany(plan, 2) === 2 ? "Two approvers" : "One approver";
  const question = `Go on although Muster could not ${node.title}?`;
  const confirm = [question, spellStopping(plan) ?? [], `${people} must say so.`].flat().join(" ");
  return [again, one("waive", `Waive${name}`, { step: node.id, park: step.parks, style: "danger", confirm })];
}
