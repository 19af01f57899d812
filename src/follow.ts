import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import type { Context } from "./context.ts";
import { standing, type Standing } from "./engine/decide.ts";
import type { Driver } from "./engine/drive.ts";
import { loadJournal } from "./engine/journal.ts";
import type { Plan } from "./engine/plan.ts";
import { fold } from "./engine/fold.ts";
import { whatToDo } from "./engine/tell-parked.ts";
import { spellHold } from "./engine/tell-run.ts";
import { answerCommand, parkedCommands } from "./engine/tell-step.ts";
import { isOpen, openQuestions, type RunView } from "./engine/view.ts";
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
      for (const line of restingWords(loaded.run, now, view)) print(line);
      return ["failed", "cancelled", "parked"].includes(now) ? 1 : 0;
    }
    await pause(everyMs);
  }
}

/** A run that has its approvals looks at its claims once more, and starts. */
const rests = (now: Standing, { needed }: Plan, { approvals }: RunView): boolean =>
  now === "proposed" ? approvals.length < needed : !["running", "turning back"].includes(now);

/** Where a run rests, and what whoever reads it may type; lines. Pure. */
export function restingWords({ id, plan }: { id: string; plan: Plan }, now: Standing, view: RunView): string[] {
  const says = (words: string) => `Run ${id}: ${words}`;
  const [parked, ...others] = [...view.steps.values()].filter((step) => step.parked && isOpen(view, step));
  const [open] = openQuestions(view);
  if (now === "parked" && parked?.parked) {
    const { because, todo = whatToDo(plan, view, parked) } = parked.parked;
    return [
      says(`parked at ${parked.node.id}. ${because}.`),
      todo,
      `Type ${parkedCommands({ id, plan }, view, parked.node.id)}.`,
      ...(others.length > 0 ? [`${others.length} more ${others.length === 1 ? "is" : "are"} parked.`] : []),
    ];
  }
  if (now === "held") return [says(spellHold({ id }, view) ?? "held.")];
  if (now === "waiting" && open)
    return [says(`waits for an answer. ${open.asked?.question} Answer with ${answerCommand({ id }, open.node.id)}.`)];
  if (now === "proposed") return [says(`proposed; ${view.approvals.length} approved so far.`)];
  return [says(`${now}.`)];
}

/** Whether somebody said something that the run has not answered yet. */
async function hasUnread(ctx: Context, runId: string, lastSignal: number): Promise<boolean> {
  const { rows } = await sql`
    select 1 from muster.signal s join muster.run r on r.id = s.run
     where s.run = ${runId} and s.seq > ${lastSignal} and r.ended_at is null limit 1`.execute(ctx.db);
  return rows.length > 0;
}
