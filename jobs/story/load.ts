import { sql } from "kysely";
import type { Context } from "../../src/context.ts";
import type { JournalEvent } from "../../src/engine/events.ts";
import { loadJournal, type Run } from "../../src/engine/journal.ts";
import { fold } from "../../src/engine/fold.ts";
import type { RunView } from "../../src/engine/view.ts";
import { redactDeep } from "../../src/redact.ts";
import { findJob } from "../index.ts";
import type { RegionReport } from "../report/region.ts";
import type { Report } from "../report/failover.ts";

/** Everything that was written down about a run, for whoever tells it: as text, as a page, as a chart. */
export type Story = {
  run: Pick<Run, "id" | "plan" | "planHash" | "requestedBy" | "reason">;
  events: readonly JournalEvent[];
  view: RunView;
  /** What people were told, oldest first. */
  timeline: readonly { at: Date; line: string }[];
  /** The figures; undefined for a kind of work that has none, and before a run started. */
  report?: Report;
  /** The same of a region's move: the figures of each service. */
  region?: RegionReport;
};

/** Reads a run's story as far as it goes, secrets taken out. @throws Error when there is no such run. */
export async function loadStory(ctx: Pick<Context, "db" | "redact">, runId: string): Promise<Story> {
  const loaded = await loadJournal(ctx.db, runId);
  if (!loaded) throw new Error(`run ${runId} is gone`);
  const { run, events } = redactDeep(ctx.redact, loaded);
  const view = fold(run.plan, events);
  const { rows } = await sql<{ at: Date; line: string }>`
    select at, line from muster.timeline where run = ${runId} order by seq`.execute(ctx.db);
  const made = view.startedAt ? await findJob(run.job).report?.(ctx, runId) : undefined;
  return {
    run,
    events,
    view,
    timeline: redactDeep(ctx.redact, rows),
    ...(made?.figures ? { report: redactDeep(ctx.redact, made.figures) } : {}),
    ...(made?.region ? { region: redactDeep(ctx.redact, made.region) } : {}),
  };
}
