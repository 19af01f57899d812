import { sql } from "kysely";
import { call } from "../../src/call.ts";
import type { Place } from "../../src/chat.ts";
import type { Context } from "../../src/context.ts";
import { UserError } from "../../src/errors.ts";
import { hashPlan, type Plan } from "../../src/engine/plan.ts";
import type { Json } from "../../src/engine/step.ts";
import { findJob } from "../index.ts";
import { insertRun } from "./insert-run.ts";
import type { AnyJob, Job, Preview } from "../job.ts";
import { findLiveRun, refuseIfLocked } from "./live-runs.ts";
import { otherTargets } from "./other-targets.ts";
import { runIdOf } from "./run-id.ts";

/** Who asks for a run, and how they said it. */
export type Asking = {
  by: string;
  /** Names this call for ever: delivered twice, it proposes once. */
  callId: string;
  place: Place;
  reason?: string;
};

export type Proposal = {
  runId: string;
  /** True where somebody asked for the same before: this is their run, and it is live. */
  existing?: true;
  /** What was shown; absent for a run that was there before. */
  preview?: Preview;
};

/** Looks, and shows what a job would do. Writes nothing. @throws UserError when there is nothing to do. */
export async function preview<Input, Facts>(ctx: Context, job: Job<Input, Facts>, input: Input): Promise<Preview> {
  const facts = await job.look(ctx, input);
  return job.preview(job.plan(ctx.estate, input, facts), facts);
}

/**
 * Looks, makes a plan and proposes it as a run, which waits for its approvals. The same wish as that of a live run leads
 * to that run instead.
 * @throws UserError when there is nothing to do, or another run holds what this one would change.
 */
export async function propose<Input, Facts>(
  ctx: Context,
  job: Job<Input, Facts>,
  input: Input,
  asking: Asking,
): Promise<Proposal> {
  const runId = runIdOf(prefixes[job.name] ?? job.name, asking.callId);
  const known = await findKnown(ctx, runId, job, input as Json);
  if (known) return known;
  await refuseIfLocked(ctx, job.locks(input));
  const facts = await job.look(ctx, input);
  const plan = job.plan(ctx.estate, input, facts);
  // Two people may have typed it in the same second: who comes second finds the first one's run here.
  const liveId = await call(ctx, "db.propose", () =>
    ctx.db.transaction().execute(async (db) => {
      await sql`select pg_advisory_xact_lock(hashtext('muster propose'))`.execute(db);
      const live = await findLiveRun(db, job, input as Json);
      if (live !== undefined && live !== runId) return live;
      await insertRun(db, newRun(runId, job.name, plan, facts as Json, asking, ctx));
      return runId;
    }),
  );
  if (liveId !== runId) return { runId: liveId, existing: true };
  await ctx.ring(runId);
  return { runId, preview: job.preview(plan, facts) };
}

const prefixes: Record<string, string> = { failover: "fo", "failover-region": "fr", refence: "rf" };

async function findKnown(
  ctx: Context,
  runId: string,
  job: Pick<AnyJob, "name" | "leavesOutHeld">,
  input: Json,
): Promise<Proposal | undefined> {
  const { rows } = await call(ctx, "db.find-run", () =>
    sql`select from muster.run where id = ${runId}`.execute(ctx.db),
  );
  if (rows.length > 0) return { runId };
  const live = await call(ctx, "db.find-live", () => findLiveRun(ctx.db, job, input));
  return live === undefined ? undefined : { runId: live, existing: true };
}

function newRun(
  runId: string,
  job: string,
  plan: Plan,
  facts: Json,
  asking: Asking,
  { estate, redact, engineVersion }: Context,
) {
  const { by, place, reason } = asking;
  const channel = place.kind === "slack" ? place.channel : estate.channels.incidents;
  return {
    id: runId,
    job,
    plan,
    facts,
    planHash: hashPlan(plan, facts),
    engineVersion,
    by,
    place,
    channel,
    ...(reason ? { reason: redact(reason) } : {}),
    ...(estate.channels.executives ? { executives: estate.channels.executives } : {}),
  };
}

/** Proposes anew what a run wanted whose plan expired, was declined or no longer held. @throws UserError while it is under way, and where only Muster starts it. */
export async function lookAgain(ctx: Context, runId: string, asking: Asking): Promise<Proposal> {
  const { rows } = await call(ctx, "db.find-run", () =>
    sql<{ job: string; plan: Plan; reason: string | null; under_way: boolean }>`
    select job, plan, reason, ended_at is null and state <> 'proposed' as under_way
      from muster.run where id = ${runId}`.execute(ctx.db),
  );
  const [row] = rows;
  if (!row) throw notThere(runId);
  if (row.under_way) {
    throw new UserError({
      happened: `Run ${runId} is under way, on a plan that was approved.`,
      means: "Nothing was changed by asking.",
      todo: `Look at it: /muster runs show ${runId}.`,
    });
  }
  // What was approved with another plan would be approved by nobody, in a world that may be another by now.
  if (row.plan.needed === 0) {
    throw new UserError({
      happened: `Run ${runId} was started by Muster itself, and nobody else can start it.`,
      means: "Nothing was changed by asking.",
      todo: `Look at it: /muster runs show ${runId}.`,
    });
  }
  const job = findJob(row.job);
  const input = job.input.parse(row.plan.input);
  return propose(ctx, job, job.again ? job.again(input) : input, {
    ...(row.reason ? { reason: row.reason } : {}),
    ...asking,
  });
}

/**
 * Looks at the world again and says what no longer holds of a run's plan, a sentence each: its claims, what the estate names
 * for its services, and the right to decide of those who approved it.
 */
export async function brokenClaims(ctx: Context, runId: string): Promise<string[]> {
  const { rows } = await call(ctx, "db.read-plan", () =>
    sql<{ job: string; plan: Plan; facts: Json; approvedBy: string[] }>`
      select job, plan, facts, array(select payload ->> 'by' from muster.step_event
                               where run = ${runId} and kind = 'approved' order by seq) as "approvedBy"
        from muster.run where id = ${runId}`.execute(ctx.db),
  );
  const [row] = rows;
  if (!row) throw notThere(runId);
  const job = findJob(row.job);
  const gone = row.approvedBy
    .filter((name) => !job.approvers(ctx.estate).includes(name))
    .map((name) => `${name}, who approved it, is no longer among those who may`);
  const { breakGlass } = row.plan;
  if (breakGlass && !ctx.estate.breakGlass.includes(breakGlass.by))
    gone.push(`${breakGlass.by}, who broke glass for it, is no longer among those who may`);
  if (row.plan.claims.length === 0) return gone;
  const others = otherTargets(ctx.estate, row.plan);
  if (others.length > 0) return [...gone, ...others];
  // People have approved, and wait.
  const waited: Context = { ...ctx, onBehalfOf: "start" };
  try {
    const now = job.lookAtClaims
      ? await job.lookAtClaims(waited, row.plan, row.facts)
      : await job.look(waited, job.input.parse(row.plan.input));
    return [...gone, ...job.broken(row.plan, now)];
  } catch (error) {
    // What the plan is about is no longer in the estate, say: it holds no more, and waiting would not bring it back.
    if (!(error instanceof UserError)) throw error;
    return [...gone, error.explanation.happened.replace(/\.$/u, "")];
  }
}

const notThere = (runId: string): UserError =>
  new UserError({
    happened: `There is no run ${runId}.`,
    means: "Nothing was changed.",
    todo: "Type /muster runs for the list.",
  });
