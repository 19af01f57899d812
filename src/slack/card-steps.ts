import { standing } from "../engine/decide.ts";
import { isUnknown } from "../engine/step.ts";
import { isOver, type RunView, type StepView } from "../engine/view.ts";
import { type Block, bold, code, escape, plan, prose, richText, type Task } from "./blocks.ts";

/** What the run is doing this moment, in one sentence. */
export function now(view: RunView): string {
  if (view.ended) return ending(view.ended);
  const steps = [...view.steps.values()];
  const moving = steps
    .filter((step) => isMoving(step, view))
    .map(({ node, waitingFor }) => (waitingFor === undefined ? node.title : `${node.title} (${waitingFor})`));
  const doing = moving.length > 0 ? `Muster is about to ${moving.join(", and to ")}.` : "";
  switch (standing(view)) {
    case "held":
      return `${view.heldBy} holds the run; nothing new is changed. ${doing}`.trim();
    case "parked":
      return "Muster does nothing more here by itself; somebody must decide.";
    case "waiting":
      return "The run waits for an answer, and never goes on by itself.";
    case "turning back":
      return `What was changed is being taken back. ${doing}`.trim();
    default:
      return doing || "Muster looks at what is next.";
  }
}

function ending({ outcome, because }: NonNullable<RunView["ended"]>): string {
  if (outcome === "done") return "Everything that was planned is done.";
  const reason = because === undefined ? "" : ` because ${because}`;
  if (outcome === "cancelled") return `It was cancelled${reason}.`;
  return `It failed${reason}. What was changed stays as it is.`;
}

/** The questions people are asked, in red. */
export const questions = (view: RunView): string[] =>
  [...view.steps.values()].flatMap(({ asked, answers, done, parked }) => {
    if (!asked || done || parked) return [];
    const had = answers.length > 0 ? ` ${answers.map(escape).join(", ")} said yes.` : "";
    return [`🔴 ${bold(asked.question)} ${asked.needed === 2 ? "Two approvers" : "One approver"} must answer.${had}`];
  });

/** Why steps are parked, and what to do, in red. */
export const problems = (view: RunView): string[] =>
  [...view.steps.values()].flatMap(({ node, parked, waivers, waived, undone }) => {
    if (!parked || waived || undone) return [];
    const would = waivers.length > 0 ? ` ${waivers.map(escape).join(", ")} would waive it.` : "";
    return [
      `🔴 ${bold("Parked")} ${code(node.step)}: ${escape(parked.because)}. ${escape(parked.todo ?? "")}${would}`.trim(),
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
        const more = remark(step);
        const output = more === undefined ? {} : { output: richText(more) };
        return { task_id: step.node.id, title: titleOf(step), status: statusOf(step, view), ...output };
      }),
    ),
  ];
}

const icons = { pending: "⚪", in_progress: "🔄", complete: "✅", error: "🔴" } as const;

function line(step: StepView, view: RunView): string {
  const more = remark(step);
  return `${icons[statusOf(step, view)]} ${escape(titleOf(step))}${more === undefined ? "" : `  _${escape(more)}_`}`;
}

const titleOf = ({ node }: StepView): string => (node.kind === "gate" ? `question: ${node.title}` : node.title);

function statusOf(step: StepView, view: RunView): Task["status"] {
  if (step.parked && !step.waived && !step.undone) return "error";
  if (step.undone) return "complete";
  if (isOver(step)) return isUnknown(step.done?.result) ? "error" : "complete";
  return isMoving(step, view) || step.asked ? "in_progress" : "pending";
}

/** What is worth knowing of a step beside how far it is. */
function remark({ done, waived, undone, parked, asked, waitingFor }: StepView): string | undefined {
  if (undone) return "taken back";
  if (waived) return `waived by ${waived.by.join(" and ")}`;
  if (done) return isUnknown(done.result) ? done.result.unknown : undefined;
  if (parked) return parked.because;
  return asked ? asked.question : waitingFor;
}

function isMoving(step: StepView, view: RunView): boolean {
  if (step.node.kind === "gate" || step.parked || step.undone) return false;
  const back = view.turnedBack?.services.has(step.node.service) ?? false;
  if (back) return step.undo.attempts > 0;
  return step.firstLookAt !== undefined && !isOver(step);
}
