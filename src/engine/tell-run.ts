import { spell } from "../spelling.ts";
import { meaningOf } from "./accepted.ts";
import { spellBroken } from "./break-glass.ts";
import { approvalSeconds } from "./decide.ts";
import { whyExpired } from "./expiry.ts";
import type { Plan } from "./plan.ts";
import { inThread, toEveryone, type Run, type RunEvent, type Tell } from "./told.ts";
import { spellTurn } from "./turning-back.ts";
import type { RunView } from "./view.ts";
import { stillAsked } from "./who-answers.ts";

/** What people hear of what happens to a run as a whole. Pure. */
export function tellRun(run: Run, view: RunView, event: RunEvent, now: Date): Tell {
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
        `${event.by} ${event.verb === "undo" ? "pressed Undo" : "cancelled the run"}. ${spellTurn(plan, view)}`,
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
  return toEveryone(
    run,
    run.plan.approvers,
    [
      `Muster holds the run: ${because}.`,
      "What was done and said meanwhile may be missing here, though it happened: a promotion, an approval, an order to go back. Nothing is changed or taken back until somebody presses Resume.",
      `Read this thread, ${lookFirst}`,
    ],
    { terminal: resumeCommand(run) },
  );
}

const lookFirst =
  "look at who writes and where traffic goes; then press Resume, and Muster looks at everything again before it changes anything.";

const resumeCommand = ({ id }: Pick<Run, "id">): string => `muster runs resume ${id}`;

/** Says why a run is held, and what lets it go on, for whoever reads no thread; undefined where nobody holds it. Pure. */
export function spellHold(run: Pick<Run, "id">, { heldBy, heldBecause }: RunView): string | undefined {
  if (heldBy === undefined) return undefined;
  if (heldBecause === undefined)
    return `${heldBy} holds it: nothing new is changed until somebody presses Resume. In a terminal: ${resumeCommand(run)}.`;
  return `Muster holds it: ${heldBecause}. Read what was told, ${lookFirst} In a terminal: ${resumeCommand(run)}.`;
}

/** When a plan that nobody approves expires, as a time of day: "03:27 UTC". */
const expiresAt = ({ proposedAt }: RunView, now: Date): string =>
  `${new Date((proposedAt ?? now).getTime() + approvalSeconds * 1000).toISOString().slice(11, 16)} UTC`;

function ended(plan: Plan, outcome: string, because: string | undefined): string {
  if (outcome === "done") return `Done: ${plan.title}.${whoStayed(plan)}`;
  const reason = because ? `: ${because}` : "";
  if (outcome === "cancelled") return `Cancelled${reason}.`;
  return `Failed${reason}. What was changed stays as it is; look at the report for what is still open.`;
}

function whoStayed({ left = [] }: Plan): string {
  const [first] = left;
  if (!first) return "";
  const more = left.length > 1 ? ` and ${left.length - 1} more were` : " was";
  return ` ${first.service}${more} left out of it: the report says why.`;
}
