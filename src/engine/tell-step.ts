import { secondsSince } from "../clock.ts";
import { spell } from "../spelling.ts";
import type { EventBody } from "./events.ts";
import type { Plan } from "./plan.ts";
import { isUnknown } from "./step.ts";
import { isDeclined, parkedButtons, remindParked, tellParked } from "./tell-parked.ts";
import { inThread, toEveryone, type Run, type StepEvent, type Tell } from "./told.ts";
import { turnOf } from "./turning-back.ts";
import { goesBack, type RunView, type StepView } from "./view.ts";
import { mayAnswer, stillToAnswer } from "./who-answers.ts";

/** What people hear of what happens to one step of a run. Pure. */
export function tellStep(run: Run, view: RunView, event: StepEvent, now: Date): Tell {
  const step = view.steps.get(event.step);
  const title = step?.node.title ?? event.step;
  const deed = step && goesBack(view, step) ? `take back "${title}"` : title;
  switch (event.kind) {
    case "first-look":
    case "undo-applied":
    case "applied":
      return {};
    case "waiting":
      return { line: `Waiting to ${deed}: ${event.missing}.` };
    case "intent":
      return {
        line: event.attempt === 1 ? `Starting to ${title}.` : `Trying again to ${title} (try ${event.attempt}).`,
      };
    case "call-failed":
    case "undo-failed":
      return {
        line: `A call to ${deed} failed: ${event.error}. ${event.noEffect ? "It changed nothing; it is tried again." : "Checking whether it happened before it is tried again."}`,
      };
    case "done":
      return tellDone(run, step, title, event, now);
    case "parked":
      return toEveryone(run, run.plan.approvers, tellParked(run.plan, view, step, { ...event, deed }), {
        buttons: parkedButtons(run, view, step),
        terminal: parkedCommands(run, view, event.step),
      });
    case "continued":
      return inThread(
        `${event.by} pressed Continue: ${isDeclined(step) ? "the question is asked again" : `trying again to ${deed}`}.`,
      );
    case "waive-seconded":
      return inThread(`${event.by} would waive "${title}". One more approver must say so.`);
    case "waived":
      return inThread(
        `${[...(step?.waivers ?? []), event.by].join(" and ")} waived "${title}". The run goes on without it.`,
      );
    case "asked":
      return toEveryone(
        run,
        mayAnswer(run.plan, view.requestedBy, step?.node.needed),
        [
          `Question: ${event.question}`,
          `${event.needed === 2 ? "Two approvers must" : "One approver must"} answer; the run waits, and never goes on by itself.`,
        ],
        {
          buttons: [
            {
              label: "Approve",
              verb: "approve",
              runId: run.id,
              step: event.step,
              style: "danger",
              confirm: event.question,
            },
            { label: "Decline", verb: "decline", runId: run.id, step: event.step },
          ],
          terminal: answerCommand(run, event.step),
        },
      );
    case "reminded":
      if (!step) return {};
      if (!step.parked)
        return toEveryone(
          run,
          stillToAnswer(run.plan, view, step),
          [`Still waiting for an answer: ${step.asked?.question ?? title}`],
          { terminal: answerCommand(run, event.step) },
        );
      return toEveryone(run, run.plan.approvers, remindParked(run.plan, view, step, step.parked), {
        terminal: parkedCommands(run, view, event.step),
      });
    case "answered":
      return inThread(`${event.by} said yes to: "${step?.asked?.question ?? title}".`);
    case "undo-intent":
      return { line: `Taking back: ${title}.` };
    case "undone": {
      const line = `Taken back: ${title}.`;
      return isOneOfMany(run.plan, step) ? { line } : inThread(line);
    }
  }
}

/** How a question is answered without Slack. */
export const answerCommand = ({ id }: Pick<Run, "id">, step: string): string =>
  `muster runs approve ${id} ${step} --code <code>, or muster runs decline ${id} ${step}`;

/** What may be said about a parked step, as it is typed without Slack. Pure. */
export function parkedCommands({ id, plan }: Run, view: RunView, stepId: string): string {
  const step = view.steps.get(stepId);
  const verbs = step ? parkedButtons({ id, plan }, view, step).map(({ verb }) => verb) : ["continue"];
  const { changed, past } = turnOf(view);
  // Where nothing of the run can go back it can be ended all the same, as on its card.
  const abandon = !verbs.includes("undo") && !verbs.includes("abandon") && changed.isSubsetOf(past) ? ["abandon"] : [];
  const typed = [...verbs, ...abandon].map((verb) => {
    const ofStep = verb === "continue" || verb === "waive";
    return `muster runs ${verb} ${id}${ofStep ? ` ${stepId}` : ""}${verb === "waive" ? " --code <code>" : ""}`;
  });
  return `${typed.join("; ")}; muster runs show ${id} tells where it stands`;
}

function tellDone(
  run: Run,
  step: StepView | undefined,
  title: string,
  { result, found }: Extract<EventBody, { kind: "done" }>,
  now: Date,
): Tell {
  if (step?.node.kind === "gate") {
    const { answer, beforehand, by = [] } = result as { answer?: string; beforehand?: boolean; by?: string[] };
    if (beforehand)
      return toEveryone(run, run.plan.approvers, [
        `Not asked, because ${by.join(" and ")} answered it beforehand by breaking glass: ${found ?? title}`,
      ]);
    return answer === "not needed" ? {} : inThread(`Answered with yes: "${step.asked?.question ?? title}".`);
  }
  if (isUnknown(result))
    return inThread(`Could not ${title}: ${result.unknown}. The run goes on, because the plan allows for that.`);
  const took = step?.firstLookAt ? ` (${spell(Math.round(secondsSince(step.firstLookAt, now)))})` : "";
  const already = step?.node.changes && step.attempts === 0 ? "Nothing to do, it was so already" : "Done";
  const line = `${already}: ${title}${took}.${found === undefined ? "" : ` ${found}`}`;
  return found === undefined && isOneOfMany(run.plan, step) ? { line } : inThread(line);
}

/**
 * Of so many services nobody reads every step in the thread, and Slack takes one message a second: the timeline has them all,
 * the card counts them, and what people are asked is not buried under them.
 */
const mostInThread = 40;

const isOneOfMany = ({ locks }: Plan, step: StepView | undefined): boolean =>
  locks.length > mostInThread && step !== undefined && locks.includes(step.node.service);
