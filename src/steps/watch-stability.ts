import { sql } from "kysely";
import { call } from "../call.ts";
import { probe } from "../adapters/probe.ts";
import { step, type StepContext } from "../engine/step.ts";

export type WatchStabilityInput = {
  service: string;
  toRegion: string;
  url: string;
  limitMs: number;
  /** How long it must stay green without a break. */
  stabilitySeconds: number;
};

/** Moments are ISO. */
export type WatchStabilitySeen = {
  /** The first green probe of the window; null while the newest one is red. */
  greenSince: string | null;
  /** The newest probe. */
  until: string;
  why: string | null;
  probes: number;
};

const pollSeconds = 10;

/** A gap in which nobody looked is not green: the window begins again after it. In seconds. */
const longestGapSeconds = 180;

/** Watches the service where customers reach it, until it has been green for long enough; any red begins the window anew. */
export const watchStability = step<WatchStabilityInput, WatchStabilitySeen>({
  name: "watch-stability",
  title: ({ service, stabilitySeconds }) => `watch ${service} until it has been green for ${stabilitySeconds} s`,

  async observe(ctx, { service, url, limitMs }) {
    const probed = await probe(ctx, ctx.clients.web, { url, limitMs }, { signal: ctx.signal });
    // Rows of our own, so that the window survives this worker, and what was green before it began does not count.
    await call(ctx, "db.note-probe", () =>
      sql`
        insert into muster.probe (service, via, ok, took_ms, why, at)
        values (${service}, ${viaOf(ctx)}, ${probed.ok}, ${probed.tookMs}, ${probed.why ?? null}, ${ctx.now()})
      `.execute(ctx.db),
    );
    return readWindow(ctx, service);
  },

  missing({ greenSince, until, why }, { service, stabilitySeconds }) {
    if (greenSince === null) return `${service} ${why ?? "is not healthy"}`;
    const from = new Date(greenSince).getTime();
    if (new Date(until).getTime() - from >= stabilitySeconds * 1000) return undefined;
    const end = new Date(from + stabilitySeconds * 1000);
    return `${service} has been green since ${clockTime(new Date(from))}; its window ends at ${clockTime(end)} UTC`;
  },

  // A window that began late, because it was red or nobody looked for a while, is no reason to ask anybody.
  onlyTime: ({ greenSince }) => greenSince !== null,

  undo: { nothing: "it only looks" },

  // A red at the end of a window costs a whole one more.
  patienceSeconds: ({ stabilitySeconds }) => 4 * stabilitySeconds + 600,
  settleSeconds: 0,
  pollSeconds,
});

const viaOf = (ctx: StepContext): string => `run:${ctx.runId}`;

/**
 * Reads the window from our own probes of this run and the prober's reds since they began: green is counted from the first
 * probe after the newest red or the newest gap.
 */
async function readWindow(ctx: StepContext, service: string): Promise<WatchStabilitySeen> {
  const { rows } = await call(ctx, "db.read-window", () =>
    sql<{ green_since: Date | null; until: Date; why: string | null; probes: number }>`
    with own as (
      select at, ok, why, seq, lag(at) over (order by at, seq) as previous
        from muster.probe where service = ${service} and via = ${viaOf(ctx)}),
    broken as (
      select max(at) as at from (
        select at from own where not ok
        union all
        select at from muster.probe
         where service = ${service} and via = 'public' and not ok and at > (select min(at) from own)) reds),
    begun as (
      select max(at) as at from own where at - previous > make_interval(secs => ${longestGapSeconds}))
    select min(own.at) filter (where own.ok
             and (broken.at is null or own.at > broken.at)
             and (begun.at is null or own.at >= begun.at)) as green_since,
           max(own.at) as until,
           (array_agg(own.why order by own.seq desc) filter (where not own.ok))[1] as why,
           count(*)::int as probes
      from own, broken, begun`.execute(ctx.db),
  );
  const [row] = rows;
  if (!row) throw new Error("the probe was not kept");
  return {
    greenSince: row.green_since?.toISOString() ?? null,
    until: row.until.toISOString(),
    why: row.why,
    probes: row.probes,
  };
}

const clockTime = (at: Date): string => at.toISOString().slice(11, 19);
