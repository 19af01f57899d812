import { sql } from "kysely";
import type { Place, Reply } from "../src/chat.ts";
import type { Context } from "../src/context.ts";
import { standing } from "../src/engine/decide.ts";
import type { JournalEvent } from "../src/engine/events.ts";
import { fold } from "../src/engine/fold.ts";
import type { Run } from "../src/engine/journal.ts";
import type { Plan } from "../src/engine/plan.ts";
import { whatToDo } from "../src/engine/tell-parked.ts";
import { spellHold } from "../src/engine/tell-run.ts";
import { parkedCommands } from "../src/engine/tell-step.ts";
import { isOpen, isOver, type RunView, type StepView } from "../src/engine/view.ts";
import { findJob } from "../jobs/index.ts";
import type { RunReport } from "../jobs/job.ts";
import { previewLines } from "../jobs/preview/lines.ts";

/** So many lines of the timeline are shown, the newest; a report in a terminal has them all. */
const newestLines = 30;
/** Of several services so many steps are shown one by one, and so many services of a report. */
const most = { steps: 20, services: 40 };

/**
 * Shows a run: where it stands, its steps, what came of it, and last what was told of it. Of several services only steps that
 * somebody could wait for: a message in Slack has no room for all, and cuts what comes last. Before it starts whoever approves in
 * a terminal reads here what the requester saw, and then the plan: all of its steps, last.
 */
export async function showRun(
  ctx: Context,
  run: Run & { events: readonly JournalEvent[] },
  { newer, place }: { newer: string | undefined; place: Place },
): Promise<Reply> {
  const view = fold(run.plan, run.events);
  const { rows } = await sql<{ at: Date; line: string }>`
    select at, line from muster.timeline where run = ${run.id} order by seq desc limit ${newestLines + 1}`.execute(
    ctx.db,
  );
  const lines = rows.slice(0, newestLines).reverse();
  const all = rows.length <= newestLines;
  const told = [
    ...(lines.length > 0 ? [all ? "What was told:" : `What was told, the newest ${newestLines} lines:`] : []),
    ...lines.map(({ at, line }) => `${at.toISOString().slice(11, 19)}Z  ${line}`),
    ...(all ? [] : [`All of it, and every step: muster runs report ${run.id}, in a terminal.`]),
  ];
  const report = view.startedAt && newer === undefined ? await findJob(run.job).report?.(ctx, run.id) : undefined;
  return {
    runId: run.id,
    lines: [
      `Run ${run.id}: ${run.plan.title}. ${standing(view)}. Plan ${run.planHash.slice(0, 8)}.`,
      ...(newer === undefined ? [] : [newer]),
      ...(view.startedAt
        ? [...showSteps(view), ...nextAction(run, view, place), ...(report ? reportOf(report, run) : []), ...told]
        : [
            ...(await seenBefore(ctx, run, newer)),
            ...told,
            ...[...view.steps.values()].map((step) => `${stepLine(view, step)}${noWayBack(step)}`),
          ]),
    ],
  };
}

/** What was seen when a run was proposed, as whoever asked for it was shown it. A newer Muster may have seen what this one cannot read. */
async function seenBefore(ctx: Context, { id, job, plan }: Run, newer: string | undefined): Promise<string[]> {
  if (newer !== undefined) return againstIt(plan);
  const row = await ctx.db.selectFrom("run").select("facts").where("id", "=", id).executeTakeFirst();
  return row ? previewLines(findJob(job).preview(plan, row.facts)) : againstIt(plan);
}

const againstIt = ({ warnings, blockers }: Plan): string[] => [
  ...warnings.map((warning) => `  ! ${warning}`),
  ...blockers.map((blocker) => `  Cannot be approved: ${blocker}.`),
];

const noWayBack = ({ node }: StepView): string => (node.oneWay === undefined ? "" : `  ⛔ no way back: ${node.oneWay}`);

/** What people may do about a run that is held or has parked; in a terminal also as it is typed. Pure. */
export function nextAction({ id, plan }: Pick<Run, "id" | "plan">, view: RunView, place: Place): string[] {
  if (view.ended) return [];
  const parked = [...view.steps.values()].filter((step) => step.parked && isOpen(view, step));
  // What a step says itself stands beside it.
  const ways = new Set(parked.filter((step) => !step.parked?.todo).map((step) => whatToDo(plan, view, step)));
  const [first, ...others] = place.kind === "terminal" ? parked : [];
  const alike = others.length > 0 ? `; the other ${others.length} alike` : "";
  return [
    ...[spellHold({ id }, view) ?? []].flat().map((hold) => `  ${hold}`),
    ...[...ways].map((way) => `  ${way}`),
    ...(first ? [`  Type ${parkedCommands({ id, plan }, view, first.node.id)}${alike}.`] : []),
  ];
}

/** Shows where the steps of a run stand that was started. Pure. */
export function showSteps(view: RunView): string[] {
  const all = [...view.steps.values()];
  const show = (step: StepView) => stepLine(view, step);
  if (new Set(all.map(({ node }) => node.service)).size < 2) return all.map(show);
  const urgent = (step: StepView) => "!?…–↩".indexOf(mark(view, step));
  const open = all.filter((step) => urgent(step) >= 0).toSorted((left, right) => urgent(left) - urgent(right));
  const count = (sign: string) => all.filter((step) => mark(view, step) === sign).length;
  const more = open.length - most.steps;
  return [
    ...open.slice(0, most.steps).map(show),
    ...(more > 0 ? [`  … ${more} more like these`] : []),
    `  ${count("✓")} of ${all.length} steps are done, ${count("·")} not begun.`,
  ];
}

const stepLine = (view: RunView, step: StepView): string =>
  `  ${mark(view, step)} ${step.node.id}: ${step.node.title}${step.parked ? `. Parked: ${[`${step.parked.because}.`, step.parked.todo ?? []].flat().join(" ")}` : ""}`;

function mark(view: RunView, step: StepView): string {
  // A step that was done is parked again where it cannot be taken back.
  if (step.parked) return "!";
  if (step.undone) return "↩";
  if (step.waived) return "–";
  if (isOver(step)) return "✓";
  // On its way back it is not gone on with, and asked nothing; of a run that is over nobody answers anything.
  if (!isOpen(view, step)) return "·";
  return step.asked && !view.ended ? "?" : step.firstLookAt ? "…" : "·";
}

const reportOf = ({ whole, summary, region }: RunReport, { id }: Run): string[] =>
  region && region.services.length > most.services
    ? [...summary, `Each service: muster runs report ${id}, in a terminal.`]
    : whole;
