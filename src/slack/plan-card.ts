import { whyExpired } from "../engine/expiry.ts";
import type { Preview } from "../../jobs/job.ts";
import { isBroken, spellBroken } from "../engine/break-glass.ts";
import { standing } from "../engine/decide.ts";
import type { Plan } from "../engine/plan.ts";
import { whatWasChanged } from "../engine/tell-run.ts";
import type { RunView } from "../engine/view.ts";
import { capital } from "../spelling.ts";
import {
  actions,
  type Block,
  bold,
  code,
  context,
  cut,
  divider,
  escape,
  fit,
  header,
  type NamedButton,
  prose,
} from "./blocks.ts";
import { movesMany, serviceBlocks, waveLines } from "./card-services.ts";
import { now, problems, questions, taskBlocks } from "./card-steps.ts";

/** What a card shows of a run's row. */
export type CardRun = {
  id: string;
  plan: Plan;
  planHash: string;
  requestedBy: string;
  reason?: string;
  approveUntil: Date;
};

export type CardState = {
  run: CardRun;
  view: RunView;
  /** What was seen before; undefined where the job no longer knows these facts. */
  preview?: Preview | undefined;
  /** The key lines of the report, once the run is over. */
  report: readonly string[];
  buttons: readonly NamedButton[];
  /** Writes a person so that Slack calls them. */
  mention: (name: string) => string;
  /** False where the workspace refuses plan blocks. */
  planBlocks: boolean;
};

/** Draws a run as it is now. Pure. */
export function drawCard(state: CardState): { text: string; blocks: Block[] } {
  const { run, view } = state;
  const [title, body] = view.startedAt ? duringRun(state) : beforeRun(state);
  const small = context(`Run ${code(run.id)} · plan ${code(run.planHash.slice(0, 8))} · ${asked(state)}`);
  return {
    text: cut(`${escape(title.replace(/\.$/, ""))}: ${escape(sentence(state))} Run ${run.id}.`, 3000),
    blocks: fit([header(title), small, ...body, ...actions(state.buttons)]),
  };
}

const asked = ({ run, mention }: CardState): string =>
  `asked for by ${mention(run.requestedBy)}${run.reason === undefined ? "" : ` · ${escape(run.reason)}`}`;

/** Where the run is, in one sentence; also what a notification says. */
function sentence({ run, view }: CardState): string {
  if (view.startedAt) return now(view);
  if (view.voided)
    return `The approvals are void: ${view.voided.join("; ")}. ${whatWasChanged(view.mayHaveForgotten ?? false)}`;
  if (view.declinedBy) return `${view.declinedBy} declined. Nothing was changed.`;
  if (view.expired) return `${whyExpired(run.plan, view).sentence} Nothing was changed.`;
  if (view.ended)
    return `It ended before it began${view.ended.because ? `: ${view.ended.because}` : ""}. Nothing was changed.`;
  if (run.plan.blockers.length > 0) return "It cannot be approved as things are. Nothing was changed.";
  return `Nothing has been changed yet; ${view.approvals.length} of ${run.plan.needed} approvals are in.`;
}

function beforeRun(state: CardState): [string, Block[]] {
  const { run, view, preview } = state;
  const { plan } = run;
  const title = preview?.headline ?? capital(plan.title);
  const open = plan.blockers.length === 0 && !(view.voided || view.declinedBy || view.ended || view.expired);
  const blockers = plan.blockers.map((blocker) => `🔴 ${bold("It cannot be approved:")} ${escape(blocker)}`);
  const warnings = (preview?.warnings ?? plan.warnings).map((warning) => `🔴 ${escape(warning)}`);
  const seen = (preview?.rows ?? []).map(
    ({ label, value, tone }) => `${marks[tone ?? "none"]}${bold(label)}  ${escape(value)}`,
  );
  const diffs = (preview?.diffs ?? []).map(
    ({ what, from, to, owner }) =>
      `${bold(what)}  ${code(from)} → ${code(to)}${owner === undefined ? "" : `  (kept by ${escape(owner)})`}`,
  );
  return [
    title,
    [
      ...prose([bold(sentence(state))]),
      ...(blockers.length > 0 ? prose(blockers) : []),
      ...(warnings.length > 0 ? prose(warnings) : []),
      ...(seen.length > 0 ? [divider, ...prose(seen)] : []),
      ...(diffs.length > 0 ? [divider, ...prose([bold("What would change"), ...diffs])] : []),
      divider,
      ...prose([bold("What Muster would do"), ...(movesMany(view) ? waveLines(plan.nodes) : steps(plan))]),
      ...(open ? [context(whoApproves(state))] : []),
    ],
  ];
}

const marks = { bad: "🔴 ", warn: "⚠️ ", good: "🟢 ", none: "" } as const;

const steps = ({ nodes }: Plan): string[] =>
  nodes.map(({ title, oneWay }, index) => {
    const number = `${index + 1}. ${escape(title)}`;
    return oneWay === undefined ? number : `${number}  ⛔ _no way back: ${escape(oneWay)}_`;
  });

function whoApproves({ run, view, mention }: CardState): string {
  const { plan, requestedBy, approveUntil } = run;
  const seconds = Math.floor(approveUntil.getTime() / 1000);
  const until = `<!date^${seconds}^{time}|${approveUntil.toISOString().slice(11, 16)} UTC>`;
  const given = view.approvals.map(({ by }) => by);
  const anybody = isBroken(plan, "requester");
  const open = plan.approvers.filter((name) => (anybody || name !== requestedBy) && !given.includes(name)).map(mention);
  const by = given.map(mention).join(", ");
  if (given.length >= plan.needed && by !== "") return `Approved by ${by}. Muster looks once more, and starts.`;
  const had = given.length > 0 ? ` Approved by ${by}.` : "";
  const terminal = `If Slack does not take the button: ${code(`muster runs approve ${run.id} --code <code>`)} in a terminal.`;
  return `${plan.needed} must approve by ${until}: ${open.join(", ")}.${anybody ? "" : ` Not ${mention(requestedBy)}, who asked.`}${had} ${terminal}`;
}

/** How many questions and parked steps are told in full; of many services the list below names the others. */
const mostProblems = 8;

function duringRun(state: CardState): [string, Block[]] {
  const { run, view, report, mention, planBlocks } = state;
  const { title } = run.plan;
  const by = view.approvals.map((approval) => mention(approval.by)).join(" and ");
  const standingNow = standing(view);
  return [
    `${headlines[standingNow]}: ${title}`,
    [
      ...prose([escape(sentence(state))]),
      ...(run.plan.breakGlass ? prose([`🔴 ${escape(spellBroken(run.plan.breakGlass))}.`]) : []),
      ...(report.length > 0 ? prose(report.map(escape)) : []),
      ...(view.ended ? [] : prose([...questions(view), ...problems(view)].slice(0, mostProblems))),
      ...(movesMany(view) ? serviceBlocks(view) : taskBlocks(view, planBlocks)),
      context(by === "" ? "Approved with its parent's plan." : `Approved by ${by}.`),
    ],
  ];
}

const headlines: Record<ReturnType<typeof standing>, string> = {
  proposed: "Proposed",
  running: "Under way",
  held: "Held",
  waiting: "Waiting for an answer",
  parked: "Parked",
  "turning back": "Going back",
  done: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};
