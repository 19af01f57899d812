import { standing } from "../engine/decide.ts";
import { isUnknown } from "../engine/step.ts";
import { goesBack, isOpen, isOver, mustGoBack, openQuestions, type RunView, type StepView } from "../engine/view.ts";
import { movesMany } from "./card-services.ts";
import { type Block, bold, code, escape, plan, prose, richText, type Task } from "./blocks.ts";

/** What the run is doing this moment, in one sentence. */
export function now(view: RunView): string {
  if (view.ended) return ending(view.ended);
  const steps = [...view.steps.values()];
  const moving = steps
    .filter((step) => isMoving(step, view))
    .map(({ node, waitingFor }) => (waitingFor === undefined ? node.title : `${node.title} (${waitingFor})`));
  const many = moving.length > 6 ? `${moving.length} steps are under way` : moving.join("; ");
  const doing = moving.length > 0 ? `Now: ${many}.` : "";
  const where = sentences[standing(view)]?.(view) ?? "";
  return `${where} ${doing}`.trim() || "Muster looks at what is next.";
}

const sentences: Partial<Record<ReturnType<typeof standing>, (view: RunView) => string>> = {
  held: ({ heldBy, heldBecause }) =>
    `${heldBy} holds the run; nothing new is changed.${heldBecause === undefined ? "" : ` ${heldBecause}.`}`,
  parked: () => "Muster does nothing more here by itself; somebody must decide.",
  waiting: () => "The run waits for an answer, and never goes on by itself.",
  "turning back": () => "What was changed is being taken back.",
};

function ending({ outcome, because }: NonNullable<RunView["ended"]>): string {
  if (outcome === "done") return "Everything that was planned is done.";
  const reason = because === undefined ? "" : ` because ${because}`;
  if (outcome === "cancelled") return `It was cancelled${reason}.`;
  return `It failed${reason}. What was changed stays as it is.`;
}

/** The questions people are asked, in red. */
export const questions = (view: RunView): string[] =>
  openQuestions(view).flatMap(({ asked, answers }) => {
    if (!asked) return [];
    const had = answers.length > 0 ? ` ${answers.map(escape).join(", ")} said yes.` : "";
    return [`🔴 ${bold(asked.question)} ${asked.needed === 2 ? "Two approvers" : "One approver"} must answer.${had}`];
  });

/** Why steps are parked, and what to do, in red. */
export const problems = (view: RunView): string[] =>
  [...view.steps.values()].flatMap(({ node, parked, waivers, waived, undone }) => {
    if (!parked || waived || undone) return [];
    const name = movesMany(view) ? node.id : node.step;
    const would = waivers.length > 0 ? ` ${waivers.map(escape).join(", ")} would waive it.` : "";
    return [
      `🔴 ${bold("Parked")} ${code(name)}: ${escape(parked.because)}. ${escape(parked.todo ?? "")}${would}`.trim(),
    ];
  });

/** The steps with how far each is: as a plan block, or as lines where the workspace does not know that. */
export function taskBlocks(view: RunView, planBlocks: boolean): Block[] {
  const steps = [...view.steps.values()];
  const over = steps.filter(isOver).length;
  const title = `${over} of ${steps.length} steps done`;
  if (!planBlocks) return prose([bold(title), ...steps.map((step) => line(step, view))]);
  return [
    plan(
      title,
      steps.map((step) => {
        const more = remark(step, view);
        const output = more === undefined ? {} : { output: richText(more) };
        return { task_id: step.node.id, title: step.node.title, status: statusOf(step, view), ...output };
      }),
    ),
  ];
}

const icons = { pending: "⚪", in_progress: "🔄", complete: "✅", error: "🔴" } as const;

function line(step: StepView, view: RunView): string {
  const more = remark(step, view);
  return `${icons[statusOf(step, view)]} ${escape(step.node.title)}${more === undefined ? "" : `  _${escape(more)}_`}`;
}

function statusOf(step: StepView, view: RunView): Task["status"] {
  if (step.parked && !step.waived && !step.undone) return "error";
  if (step.undone) return "complete";
  if (isGoingBack(step, view)) return "in_progress";
  if (isOver(step)) return isUnknown(step.done?.result) ? "error" : "complete";
  if (view.ended) return "pending";
  return isMoving(step, view) || (step.asked && isOpen(view, step)) ? "in_progress" : "pending";
}

/** What is worth knowing of a step beside how far it is. */
function remark(step: StepView, view: RunView): string | undefined {
  const { done, waived, undone, parked, asked, waitingFor } = step;
  if (undone) return "taken back";
  if (!parked && isGoingBack(step, view)) return "is being taken back";
  if (waived) return `waived by ${waived.by.join(" and ")}`;
  if (done) return isUnknown(done.result) ? done.result.unknown : undefined;
  if (parked) return parked.because;
  return asked && isOpen(view, step) ? asked.question : waitingFor;
}

/** Whether a step has changed something that is to be as it was before. */
const isGoingBack = (step: StepView, view: RunView): boolean => !view.ended && goesBack(view, step) && mustGoBack(step);

function isMoving(step: StepView, view: RunView): boolean {
  if (step.node.kind === "gate" || step.parked || step.undone) return false;
  if (goesBack(view, step)) return step.undo.attempts > 0;
  return step.firstLookAt !== undefined && !isOver(step);
}
