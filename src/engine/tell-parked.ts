import type { MessagePayload } from "../outbox/sender.ts";
import { howMany } from "./break-glass.ts";
import type { Plan } from "./plan.ts";
import type { Run } from "./told.ts";
import { confirmAbandon, confirmTurnLater, spellStopping, turnOf, turnsBack } from "./turning-back.ts";
import { goesBack, type RunView, type StepView } from "./view.ts";

type Parked = { because: string; todo?: string };

/** Says that a step is parked, what that means and what people may do. A question is not failed: somebody said no to it. Pure. */
export function tellParked(
  plan: Plan,
  view: RunView,
  step: StepView | undefined,
  { deed, because, todo }: Parked & { deed: string },
): string[] {
  const what = isDeclined(step)
    ? "Nothing more happens there."
    : `Muster could not ${deed}, and does nothing more there by itself.`;
  return [`Parked: ${because}.`, what, todo ?? whatToDo(plan, view, step)];
}

/** Says again that a step is parked, and what people may do. Pure. */
export const remindParked = (plan: Plan, view: RunView, step: StepView, { because, todo }: Parked): string[] => [
  `Still parked: ${because}.`,
  todo ?? whatToDo(plan, view, step),
];

/** Tells whether somebody said no to a step's question. */
export const isDeclined = (step: StepView | undefined): boolean =>
  step?.node.kind === "gate" && step.asked !== undefined;

/** What a parked step leaves to people, in one sentence. Pure. */
export function whatToDo(plan: Plan, view: RunView, step: StepView | undefined): string {
  const waivers = howMany(plan, 2) === 2 ? "two approvers" : "one approver";
  const ways = [
    isDeclined(step) ? "Press Continue to ask again" : "Put it right and press Continue",
    ...(step && turnsBack(view, step.node.service) ? [undoMeans(plan, view)] : []),
    ...(mayWaive(view, step) ? [`Waive (${waivers}) to go on without it`] : []),
    ...(step && goesBack(view, step) ? ["Abandon to end the run with everything left as it is"] : []),
  ];
  const last = ways.pop() ?? "";
  const choice = ways.length === 0 ? `${last}.` : `${ways.join(", ")}, or ${last}.`;
  return plan.stopping === undefined ? choice : `${choice} If it is ended or waived: ${plan.stopping}.`;
}

function undoMeans({ stopping }: Plan, view: RunView): string {
  if (stopping !== undefined) return "Undo to end the run";
  return turnOf(view).changed.size < 2
    ? "Undo to take back what was changed"
    : "Undo to end the run and take back every service that still can";
}

/** What can be pressed below the message that a step is parked. Pure. */
export function parkedButtons(
  { id: runId, plan }: Run,
  view: RunView,
  step: StepView | undefined,
): NonNullable<MessagePayload["buttons"]> {
  if (!step) return [];
  const one = { runId, step: step.node.id };
  // Told as of the moment before it.
  const park = step.parks + 1;
  const confirm = [`Go on without "${step.node.title}"?`, spellStopping(plan) ?? []].flat().join(" ");
  return [
    { label: "Continue", verb: "continue", style: "primary", ...one },
    ...(mayWaive(view, step)
      ? [{ label: "Waive", verb: "waive", style: "danger", confirm, park, ...one } as const]
      : []),
    ...(turnsBack(view, step.node.service)
      ? [{ label: "Undo", verb: "undo", runId, confirm: confirmTurnLater(plan, view) } as const]
      : []),
    ...(goesBack(view, step)
      ? [{ label: "Abandon", verb: "abandon", runId, style: "danger", confirm: confirmAbandon(plan) } as const]
      : []),
  ];
}

const mayWaive = (view: RunView, step: StepView | undefined): boolean =>
  !step || (step.node.kind !== "gate" && !goesBack(view, step));
