import { whyExpired } from "./expiry.ts";
import type { MessagePayload } from "../outbox/sender.ts";
import { secondsSince } from "../clock.ts";
import { spell } from "../spelling.ts";
import { meaningOf } from "./accepted.ts";
import { announced, type Announcement } from "./announce.ts";
import { spellBroken } from "./break-glass.ts";
import { approvalSeconds } from "./decide.ts";
import type { EventBody } from "./events.ts";
import type { Plan } from "./plan.ts";
import { isUnknown } from "./step.ts";
import { spellTurn } from "./turning-back.ts";
import { isDeclined, parkedButtons, remindParked, tellParked } from "./tell-parked.ts";
import { goesBack, type RunView, type StepView } from "./view.ts";
import { mayAnswer, stillAsked, stillToAnswer } from "./who-answers.ts";

/** What people hear of one event. */
export type Tell = {
  /** The sentence for the timeline. */
  line?: string;
  /** Said in the run's thread. */
  milestone?: Pick<MessagePayload, "lines" | "buttons" | "mention">;
  /** Said in the run's thread with a picture of what went on. */
  chart?: { lines: string[] };
  /** Sent to these people by mail. */
  mail?: { people: string[]; subject: string; lines: string[] };
  /** Told to others, in the words of the plan. */
  announcements?: Announcement[];
};

type Run = { id: string; plan: Plan };

/** Tells one event in the words people read: the timeline, the thread and the mail say the same. Pure. */
export function tell(run: Run, view: RunView, event: EventBody, now: Date): Tell {
  const told = "step" in event ? tellStep(run, view, event, now) : tellRun(run, view, event, now);
  const announcements = announced(run.plan, view, event);
  return announcements.length > 0 ? { ...withAsides(told, announcements), announcements } : told;
}

function withAsides(told: Tell, announcements: readonly Announcement[]): Tell {
  const asides = announcements.flatMap(({ aside }) => (aside === undefined ? [] : [aside]));
  const { milestone } = told;
  return milestone && asides.length > 0
    ? { ...told, milestone: { ...milestone, lines: [...milestone.lines, ...asides] } }
    : told;
}

type StepEvent = Extract<EventBody, { step: string }>;
type RunEvent = Exclude<EventBody, StepEvent>;

const inThread = (line: string, rest: Partial<MessagePayload> = {}): Tell => ({
  line,
  milestone: { lines: [line], ...rest },
});

/** Says it in the thread and to people's mailboxes; in a mail also how it is answered without Slack. */
function toEveryone(
  run: Run,
  people: string[],
  lines: string[],
  { terminal, ...rest }: Partial<MessagePayload> & { terminal?: string } = {},
): Tell {
  return {
    line: lines[0] ?? "",
    milestone: { lines, mention: people, ...rest },
    mail: {
      people,
      subject: `[Muster] ${run.plan.title}: ${lines[0] ?? ""}`.slice(0, 150),
      lines: [...lines, ...(terminal === undefined ? [] : [`In a terminal: ${terminal}.`]), `Run ${run.id}.`],
    },
  };
}

function tellRun(run: Run, view: RunView, event: RunEvent, now: Date): Tell {
  const { plan } = run;
  switch (event.kind) {
    case "proposed": {
      const asked = `${event.by} asked to ${plan.title}.`;
      if (!event.breakGlass) return { line: `${asked}${event.reason ? ` Reason: ${event.reason}.` : ""}` };
      const broken = `${spellBroken(event.breakGlass)}.`;
      return {
        ...toEveryone(run, plan.approvers, [broken, asked, "Every rule that is not named holds."]),
        line: `${asked} ${broken}`,
      };
    }
    case "approved":
      return inThread(`${event.by} approved (${Math.min(view.approvals.length + 1, plan.needed)} of ${plan.needed}).`);
    case "approval-reminded":
      return toEveryone(run, stillAsked(plan, view), [
        `Still waiting for approval: ${plan.title}. ${view.approvals.length} of ${plan.needed} approvals are in, and nothing was changed.`,
        `It expires at ${expiresAt(view, now)}. Approve on the card in Slack, or in a terminal: muster runs approve ${run.id} --code <code>.`,
      ]);
    case "declined":
      return inThread(`${event.by} declined. Nothing was changed.`);
    case "voided":
      return inThread(
        `The approvals are void: ${event.because.join("; ")}. ${whatWasChanged(event.signal !== undefined)} Press "Look again" for a plan that fits the world as it is now.`,
        { buttons: [{ label: "Look again", verb: "look-again", runId: run.id }] },
      );
    case "expired":
      return inThread(`${whyExpired(plan, view).sentence} Nothing was changed. Press "Look again" for a fresh plan.`, {
        buttons: [{ label: "Look again", verb: "look-again", runId: run.id }],
      });
    case "started": {
      const by = view.approvals.map((approval) => approval.by).join(" and ");
      return toEveryone(run, plan.approvers, [
        `Started: ${plan.title}. ${by ? `Approved by ${by}.` : "Approved with its parent's plan."}`,
      ]);
    }
    case "taken-over":
      return inThread(tellTakeOver(event));
    case "taken-up-late":
      return inThread(
        `Nothing of Muster worked on this for ${spell(Math.round(event.seconds))}. Muster looks at the world again and goes on where it stopped.`,
      );
    case "held":
      if (event.because !== undefined) return tellDoubt(run, event.because);
      return inThread(`${event.by} holds the run. Nothing new is changed until somebody presses Resume.`);
    case "resumed":
      return inThread(`${event.by} lets the run go on.`);
    case "turned-back":
      return toEveryone(run, plan.approvers, [
        `${event.by} ${event.verb === "undo" ? "pressed Undo" : "cancelled the run"}. ${spellTurn(view)}`,
      ]);
    case "refused": {
      const meaning = meaningOf(event);
      return meaning === undefined
        ? inThread(`Refused: ${event.by} said "${event.verb}", but ${event.because}. Nothing was changed by it.`)
        : inThread(`${event.by} said "${event.verb}": ${meaning}.`);
    }
    case "ended":
      return {
        ...toEveryone(run, plan.approvers, [ended(plan, event.outcome, event.because)]),
        // One step is no picture, and what never started has none.
        ...(view.startedAt && plan.nodes.length > 1
          ? { chart: { lines: [`What happened when, in run ${run.id}.`] } }
          : {}),
      };
  }
}

/** Whoever did not renew a run may live: nobody but itself knows whether it stopped, or heard nothing of Muster's database. */
function tellTakeOver({ from, to }: Extract<RunEvent, { kind: "taken-over" }>): string {
  const happened =
    to === from
      ? `${from} took this run up again: for a while it had not renewed it. It was slow, or Muster's database did not answer it.`
      : `Another server took this run over: ${from} had not renewed it. That one stopped, or Muster's database did not answer it.`;
  return `${happened} The run goes on where it stopped.`;
}

/** What a voided plan has changed: nothing, unless the journal that says so is an older copy. */
export const whatWasChanged = (mayHaveForgotten: boolean): string =>
  mayHaveForgotten
    ? "Muster remembers no change, and may have forgotten some: read this thread, and look at who writes."
    : "Nothing was changed.";

function tellDoubt(run: Run, because: string): Tell {
  return toEveryone(run, run.plan.approvers, [
    `Muster holds the run: ${because}.`,
    "What was done and said meanwhile may be missing here, though it happened: a promotion, an approval, an order to go back. Nothing is changed or taken back until somebody presses Resume.",
    "Read this thread, look at who writes and where traffic goes; then press Resume, and Muster looks at everything again before it changes anything.",
  ]);
}

/** When a plan that nobody approves expires, as a time of day: "03:27 UTC". */
const expiresAt = ({ proposedAt }: RunView, now: Date): string =>
  `${new Date((proposedAt ?? now).getTime() + approvalSeconds * 1000).toISOString().slice(11, 16)} UTC`;

function ended(plan: Plan, outcome: string, because: string | undefined): string {
  if (outcome === "done") return `Done: ${plan.title}.`;
  const reason = because ? `: ${because}` : "";
  if (outcome === "cancelled") return `Cancelled${reason}.`;
  return `Failed${reason}. What was changed stays as it is; look at the report for what is still open.`;
}

function tellStep(run: Run, view: RunView, event: StepEvent, now: Date): Tell {
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
        terminal: parkedCommand(run, event.step),
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
        terminal: parkedCommand(run, event.step),
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

const parkedCommand = ({ id }: Pick<Run, "id">, step: string): string =>
  `muster runs continue ${id} ${step}; muster runs show ${id} tells where it stands`;

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
