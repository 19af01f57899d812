import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import type { Context } from "./context.ts";
import { standing, type Standing } from "./engine/decide.ts";
import type { Driver } from "./engine/drive.ts";
import { loadJournal } from "./engine/journal.ts";
import type { Plan } from "./engine/plan.ts";
import { fold } from "./engine/fold.ts";
import { answerCommand } from "./engine/tell-step.ts";
import { openQuestions, type RunView } from "./engine/view.ts";
import { hearFirst } from "./watch/first-hearing.ts";

/** Wall milliseconds between two looks at a run that somebody else may be driving. */
const everyMs = 300;

/**
 * Tells a run's story line by line, and drives the run where no server does. Returns when it is over, or rests until a
 * person says something: 0 when it is done or only waits, 1 when it failed, was cancelled or is parked.
 */
export async function followRun(
  ctx: Context,
  driver: Driver,
  runId: string,
  print: (line: string) => void,
): Promise<number> {
  let told = 0;
  const tellNew = async () => {
    const { rows } = await sql<{ seq: number; at: Date; line: string }>`
      select seq, at, line from muster.timeline where run = ${runId} and seq > ${told} order by seq`.execute(ctx.db);
    for (const { seq, at, line } of rows) {
      told = seq;
      print(`${at.toISOString().slice(11, 19)}Z  ${line}`);
    }
  };
  for (;;) {
    ctx.heard ??= hearFirst(ctx);
    await driver.answer(runId);
    const loaded = await loadJournal(ctx.db, runId);
    if (!loaded) throw new Error(`run ${runId} is gone`);
    const view = fold(loaded.run.plan, loaded.events);
    const unread = await hasUnread(ctx, runId, view.lastSignal);
    await tellNew();
    const now = standing(view);
    if (!unread && rests(now, loaded.run.plan, view)) {
      print(`Run ${runId}: ${restingWords(runId, now, view)}`);
      return ["failed", "cancelled", "parked"].includes(now) ? 1 : 0;
    }
    await pause(everyMs);
  }
}

/** A run that has its approvals looks at its claims once more, and starts. */
const rests = (now: Standing, { needed }: Plan, { approvals }: RunView): boolean =>
  now === "proposed" ? approvals.length < needed : !["running", "turning back"].includes(now);

function restingWords(id: string, now: Standing, view: RunView): string {
  const steps = [...view.steps.values()];
  const parked = steps.find((step) => step.parked);
  const [open] = openQuestions(view);
  if (now === "parked" && parked) return `parked at ${parked.node.id}. ${parked.parked?.because}.`;
  if (now === "waiting" && open)
    return `waits for an answer. ${open.asked?.question} Answer with ${answerCommand({ id }, open.node.id)}.`;
  if (now === "proposed") return `proposed; ${view.approvals.length} approved so far.`;
  return `${now}.`;
}

/** Whether somebody said something that the run has not answered yet. */
async function hasUnread(ctx: Context, runId: string, lastSignal: number): Promise<boolean> {
  const { rows } = await sql`
    select 1 from muster.signal s join muster.run r on r.id = s.run
     where s.run = ${runId} and s.seq > ${lastSignal} and r.ended_at is null limit 1`.execute(ctx.db);
  return rows.length > 0;
}
