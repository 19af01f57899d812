import { setTimeout as pause } from "node:timers/promises";
import { failover } from "../../jobs/failover.ts";
import { propose } from "../../jobs/propose/propose.ts";
import { Activity } from "../../src/activity.ts";
import { CallTimedOut, type Log } from "../../src/call.ts";
import { readConfig } from "../../src/config.ts";
import type { Context } from "../../src/context.ts";
import type { Db } from "../../src/db/connect.ts";
import type { Database } from "../../src/estate.ts";
import type { Verb } from "../../src/engine/events.ts";
import { sendSignal } from "../../src/engine/signals.ts";
import { east, west, type LabTraffic } from "../../src/lab/estate.ts";
import { checkout, type ServiceWish } from "../../src/lab/services.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { streams } from "../../src/lab/postgres-pair.ts";
import { podsIn } from "../../src/lab/service-sights.ts";
import { openContext } from "../../src/main.ts";
import { beatOnce } from "../../src/watch/heartbeat.ts";
import { probeServices } from "../../src/watch/prober.ts";
import { seeded } from "./chance.ts";

export type Mode = "graceful" | "ungraceful";

/** Wall milliseconds. */
const leaseMs = 300;
const callTimeoutMs = 150;

const nothing = () => undefined;
export const quiet: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export type Stage = {
  lab: Lab;
  runId: string;
  /** Gives the second approval, with which the run may start. */
  approve: (db: Db) => Promise<void>;
};

export type StageOptions = {
  mode: Mode;
  seed: number;
  rate?: number;
  customers?: { count: number; everySeconds: number };
  traffic?: LabTraffic;
  database?: Database["driver"];
  /** True: an autoscaler and Flux have it in their hands, and its pods are restarted by a rollout. */
  kept?: boolean;
};

/** Checkout as it is where others have it in their hands, too. */
const keptCheckout: ServiceWish = {
  ...checkout,
  restart: "rollout",
  autoscaler: { min: 1, max: 5 },
  gitops: "flux",
};

/** Opens a lab with a failover in it that is proposed and approved by one, and that nobody drives. */
export async function openStage({
  mode,
  seed,
  rate = 2,
  customers,
  traffic,
  database,
  kept,
}: StageOptions): Promise<Stage> {
  const random = seeded(seed);
  const lab = await openLab({
    rate,
    serve: false,
    withoutSlack: true,
    replicas: 2,
    // The shorter half of the real delays: what is drawn still differs from play to play.
    random: () => random() / 2,
    ...(customers ? { customers } : {}),
    ...(traffic ? { traffic } : {}),
    ...(database ? { services: [{ ...checkout, driver: database }] } : {}),
    ...(kept ? { services: [keptCheckout] } : {}),
    estate: { stabilitySeconds: 20 },
    settings: { LEASE_MILLISECONDS: String(leaseMs), CALL_TIMEOUT_MILLISECONDS: String(callTimeoutMs) },
  });
  lab.time.waitsForOutbox = false;
  await keepLeases(lab);
  // People take their time: only who drives has a short lease.
  const patient = { LEASE_MILLISECONDS: 10_000, CALL_TIMEOUT_MILLISECONDS: 1500 };
  const people = await openContext(
    { ...readConfig(lab.environment), ...patient },
    {
      clock: lab.time.clock,
      env: lab.environment,
      worker: "people",
      log: quiet,
    },
  );
  try {
    const { ctx } = people;
    ctx.ring = () => Promise.resolve();
    await prepareClusters(ctx);
    const { checkout } = ctx.estate.services;
    if (!checkout) throw new Error("the lab has no checkout");
    // Nothing is silent yet: several labs that open at once may keep the machine busy for seconds.
    await beatOnce({ ...ctx, callTimeoutMs: 20_000 }, "checkout", checkout);
    if (mode === "ungraceful") {
      await goDark(lab);
      await probeServices(ctx);
    }
    const place = { kind: "terminal" } as const;
    const wish = { toRegion: west, service: "checkout" };
    // On a busy machine a look may see nothing in time, and Muster's own database may be late.
    const late = (error: unknown) => {
      if (!(error instanceof CallTimedOut)) throw error;
      return undefined;
    };
    const runId = await insist(async (callId) => {
      const proposed = await propose(ctx, failover, wish, { by: "ana", callId, place }).catch(late);
      if (!proposed) return undefined;
      const { runId, preview } = proposed;
      if (preview?.blockers.length === 0) return runId;
      // What cannot be approved is put away.
      await lab.query("update muster.run set ended_at = now(), next_wake_at = null where id = $1", [runId]);
      return undefined;
    });
    await say(ctx.db, runId, "approve", "ben");
    return { lab, runId, approve: (db) => say(db, runId, "approve", "cleo") };
  } catch (error) {
    await lab.close();
    throw error;
  } finally {
    await people.close();
  }
}

async function insist<T>(attempt: (name: string) => Promise<T | undefined>): Promise<T> {
  for (let times = 1; times <= 10; times += 1) {
    const made = await attempt(`sweep ${times}`);
    if (made !== undefined) return made;
  }
  throw new Error("no plan that can be approved came of ten looks");
}

/** A lease as the run's own row tells it: who took it, and from whom when it was not given back. */
export type LeaseRow = { epoch: number; owner: string; before: string | null };

/** Has the database note every lease, so that take-overs can be counted without asking the engine. */
export async function keepLeases(lab: Lab): Promise<void> {
  await lab.query(`
    create table public.kept_lease (epoch integer, owner text, before text);
    grant all on public.kept_lease to public;
    create function public.keep_lease() returns trigger language plpgsql as
      'begin insert into public.kept_lease values (new.epoch, new.owner, old.owner); return null; end';
    create trigger keep_lease after update on muster.run
       for each row when (new.epoch <> old.epoch) execute function public.keep_lease()`);
}

/** Reads every lease of the play, in order. */
export const leasesOf = (lab: Lab): Promise<LeaseRow[]> =>
  lab.query<LeaseRow>("select epoch, owner, before from public.kept_lease order by epoch");

/** Says something to a run, as a person does. */
export async function say(db: Db, runId: string, verb: Verb, by: string, step?: string): Promise<void> {
  const redact = (text: string) => text;
  const point = () => Promise.resolve();
  const ctx = { db, activity: new Activity(), callTimeoutMs: 5000, log: quiet, point, redact };
  await sendSignal(ctx, runId, { key: crypto.randomUUID(), verb, by, ...(step ? { step } : {}) });
}

/** Loads what is slow to load, so that it does not fall into somebody's lease. */
export async function prepareClusters(ctx: Context): Promise<void> {
  for (const name of Object.keys(ctx.estate.clusters)) await ctx.clients.cluster(name).prepare();
}

async function goDark(lab: Lab): Promise<void> {
  await lab.setRegionDead(east, true);
  await lab.time.pass(31);
  // Until the new region's pods, which still know the dead writer, turn people away: then names move beside the promotion.
  const turnedAway = () => podsIn(lab, west, "checkout").ready === 0;
  await lab.time.until("no pod of the new region is ready", turnedAway, 120);
  while (await streams(lab.pair.replica.server)) await pause(10);
}

/** From now on 30 % of the calls at the lab's servers fail, half of those that change something after they did; reads lag. */
export function makeTrouble(lab: Lab, seed: number): void {
  const random = seeded(seed ^ 0x5eed);
  const lags = [
    [lab.rds.knobs, 20],
    [lab.route53.knobs, 20],
    // S3 shows every write at once.
    [lab.s3.knobs, 0],
    // The endpoints of a recovery cluster agree after 15 seconds.
    ...Object.values(lab.recoveryCluster.knobs).map((knobs) => [knobs, 15] as const),
    ...Object.values(lab.clusters).map(({ knobs }) => [knobs, 4] as const),
  ] as const;
  for (const [knobs, readLagSeconds] of lags) Object.assign(knobs, { random, errorRate: 0.3, readLagSeconds });
}
