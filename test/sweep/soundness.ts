import { expect } from "@jest/globals";
import { postsOf } from "../../src/engine/append.ts";
import { tell } from "../../src/engine/tell.ts";
import { fold } from "../../src/engine/fold.ts";
import type { Database } from "../../src/estate.ts";
import { timesByChange, timesByRole, timesPromoted } from "../../src/lab/effects.ts";
import { control, databaseHostOf, east, record, west, zone, type LabTraffic } from "../../src/lab/estate.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { checkout } from "../../src/lab/services.ts";
import { app } from "../../src/lab/shop.ts";
import type { Played } from "./play.ts";
import { leasesOf } from "./stage.ts";

/** What must be so after every play, however often its workers were abandoned. */
export async function expectSound(played: Played): Promise<void> {
  expect(played.run.state).toBe("done");
  expect(await effectsOf(played)).toEqual(effectsWanted(played));
  expect(await worldOf(played)).toEqual(worldWanted(played));
  expectJournal(played);
  await expectTold(played);
  await expectTakeOvers(played);
  expect(played.unnamed).toEqual([]);
}

/** Every change that took hold at its target, with how often it did. */
async function effectsOf({ lab }: Played) {
  const promoted = await timesPromoted(lab.pair);
  return { ...Object.fromEntries(timesByChange(lab.log.all)), ...(await timesByRole(lab.pair)), promoted };
}

/** Where the new writer answers. */
const hostIn = (driver: Played["database"]): string =>
  databaseHostOf(west, { ...checkout, ...(driver ? { driver } : {}) });

/** The one call that makes the west the writer, where it is not the server itself that is called. */
const promotedBy: Record<Database["driver"], Record<string, number>> = {
  "rds-postgres": { [`rds:${west}/checkout-db-west promoted`]: 1 },
  postgres: {},
  "aurora-postgres": { [`rds:${west}/checkout-west primary of checkout-global`]: 1 },
};

/** The one change that sends customers to the west. */
const movedBy: Record<LabTraffic, string> = {
  "route53-weighted": `route53:${zone.id}/${record} ${west}=100 ${east}=0`,
  "route53-failover": `route53:${zone.id}/${record} ${west}=PRIMARY ${east}=SECONDARY`,
  "route53-switch": `s3:${control.bucket}/${control.key} present`,
  "arc-routing-control": `arc:controls/${record} ${east}=Off ${west}=On`,
};

/** Once to have pods, once after those that knew the old configuration had ended. */
const scaledTwice = {
  [`kubernetes:${west}/shop/checkout replicas=2`]: 2,
  [`kubernetes:${west}/shop/checkout replicas=0`]: 1,
};

/** What is changed instead where an autoscaler and Flux have the service in their hands, too. */
function changedForKeepers(runId: string, alive: boolean) {
  const paused = (region: string) => ({
    [`kubernetes:${region}/flux-system/shop suspend=true paused.muster/checkout=${runId}`]: 1,
    [`kubernetes:${region}/flux-system/shop suspend= paused.muster/checkout=`]: 1,
  });
  return {
    ...paused(west),
    ...(alive ? paused(east) : {}),
    [`kubernetes:${west}/shop/checkout minReplicas=2`]: 1,
    [`kubernetes:${west}/shop/checkout muster/restarted-by=${runId}`]: 1,
  };
}

function effectsWanted({ mode, traffic, database, kept, run }: Played) {
  const alive = mode === "graceful";
  return {
    ...(alive ? { [`kubernetes:${east}/shop/checkout replicas=0`]: 1 } : {}),
    [`kubernetes:${west}/shop/app-config DB_HOST=${hostIn(database)}`]: 1,
    ...(kept ? changedForKeepers(run.id, alive) : scaledTwice),
    ...promotedBy[database ?? "rds-postgres"],
    // By the server's own word, whoever told it.
    promoted: 1,
    [movedBy[traffic ?? "route53-weighted"]]: 1,
    taken: alive ? 1 : 0,
    // A role that was never fenced travelled with its right to log in.
    given: alive ? 1 : 0,
  };
}

/** The world behind everybody's back, dead or not. */
async function worldOf({ lab, run }: Played) {
  const role = `select rolcanlogin as can, pg_is_in_recovery() as follows from pg_roles where rolname = '${app.user}'`;
  const [[old], [current], canaries] = await Promise.all([
    ask<{ can: boolean; follows: boolean }>(lab.pair.primary.server, role),
    ask<{ can: boolean; follows: boolean }>(lab.pair.replica.server, role),
    ask<{ run: string }>(lab.pair.replica.server, "select run from muster_guard.canary"),
  ]);
  const cluster = lab.clusters[west];
  return {
    // One that follows the new writer has its roles.
    oldCanLogIn: old?.follows ? "it follows" : old?.can,
    current,
    canaries: canaries.map((row) => row.run === run.id),
    dns: await lab.dig(),
    config: cluster?.config("shop", "app-config"),
    podsReady: cluster?.pods("shop", "checkout").filter(({ ready, deletedAt }) => ready && !deletedAt).length,
  };
}

function worldWanted({ lab, mode, database }: Played) {
  return {
    oldCanLogIn: database === "aurora-postgres" && mode === "graceful" ? "it follows" : mode !== "graceful",
    current: { can: true, follows: false },
    canaries: [true],
    dns: [lab.edges[west]?.address],
    config: { DB_HOST: hostIn(database) },
    podsReady: 2,
  };
}

function expectJournal({ run, events }: Played): void {
  const kinds = events.map((event) => ("step" in event ? `${event.kind} ${event.step}` : event.kind));
  const once = kinds.filter((kind) => /^(started|ended|done |first-look )/.test(kind));
  const steps = run.plan.nodes.filter((node) => node.kind === "step").map((node) => `first-look ${node.id}`);
  const done = run.plan.nodes.map((node) => `done ${node.id}`);
  expect(once.toSorted()).toEqual(["started", "ended", ...steps, ...done].toSorted());
  // Nobody writes behind a take-over.
  const epochs = events.map(({ epoch }) => epoch);
  expect(epochs).toEqual(epochs.toSorted((left, right) => left - right));
  // A step is tried again only after its last try came to an end that allows for it, or nobody knew its end.
  const view = fold(run.plan, events);
  expect([...view.steps.values()].filter(({ lastTry }) => lastTry && lastTry.attempt > 40)).toEqual([]);
}

/** Every event was told once, in its order: lines of the timeline, and messages on their way out. */
async function expectTold({ lab, run, events }: Played): Promise<void> {
  const tells = events.map((event, index) => tell(run, fold(run.plan, events.slice(0, index)), event, event.at));
  const lines = tells.flatMap(({ line }) => (line === undefined ? [] : [line]));
  expect((await lab.timeline(run.id)).map(timeless)).toEqual(lines.map(timeless));
  const rows = await lab.query<{ thread: string }>(
    "select thread from muster.outbox where dedupe_key not like 'proposed:%'",
  );
  const posts = tells.flatMap((each) => postsOf(run.id, each).map(({ thread }) => thread));
  expect(rows.map(({ thread }) => thread).toSorted()).toEqual(posts.toSorted());
}

/** The engine rounds by its own clock, a moment before the database gives the event its time. */
const timeless = (line: string): string => line.replace(/\([\d.]+ \w+\)\.$/, "(so long).");

/**
 * A worker that held the run and was abandoned is taken over from once, and that is told; by its first heir who could tell
 * anything. A worker that was only too slow may take over from itself.
 */
async function expectTakeOvers({ lab, events, crashes }: Played): Promise<void> {
  const leases = await leasesOf(lab);
  const said = new Set(events.map(({ epoch }) => epoch));
  const told = events.flatMap((event) =>
    event.kind === "taken-over" ? [{ epoch: event.epoch, from: event.from }] : [],
  );
  const takeOvers = leases.filter(({ before }) => before !== null);
  expect(told).toEqual(
    takeOvers.filter(({ epoch }) => said.has(epoch)).map(({ epoch, before }) => ({ epoch, from: before })),
  );
  for (const { at, worker, held } of crashes) {
    const heirs = takeOvers.filter(({ before, owner }) => before === worker && owner !== worker);
    const speaking = heirs.filter(({ epoch }) => said.has(epoch));
    const sound = {
      true: heirs.length >= 1 && speaking.length <= 1,
      false: heirs.length === 0,
      "as a process": heirs.length >= 1,
      perhaps: true,
    }[`${held}`];
    expect({ at, worker, held, heirs: sound ? "sound" : heirs }).toEqual({ at, worker, held, heirs: "sound" });
  }
}
