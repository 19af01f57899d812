import { setTimeout } from "node:timers/promises";
import { lsnBytes } from "../../src/adapters/postgres-state.ts";
import { control, east, record, routingControls, west } from "../../src/lab/estate.ts";
import { ask, streams, type Pair } from "../../src/lab/postgres-pair.ts";
import type { PostgresServer } from "../../src/lab/postgres.ts";
import type { Bench } from "./bench.ts";

/** Everything of the world that a step may change, read from the lab's servers and not through Muster. */
export async function snapshot(bench: Bench): Promise<object> {
  await Promise.all(bench.services.flatMap(({ pair }) => (pair ? [arrives(pair)] : [])));
  const sides = bench.services.flatMap(({ pair }) => (pair ? [pair.primary, pair.replica] : []));
  const databases = await Promise.all(sides.map(({ server }) => databaseOf(server)));
  const regions = [east, west].map((region) => ({
    config: bench.clusters[region]?.config("shop", "app-config"),
    replicas: bench.clusters[region]?.replicas("shop", "checkout"),
    gitOps: bench.clusters[region]?.gitOps(),
  }));
  const instances = [bench.rds.get("checkout-db"), bench.rds.get("checkout-db-west")];
  const states = instances.map(({ status, source, backupDays }) => ({
    // A backup begins and ends by itself.
    status: status === "backing-up" ? "available" : status,
    source,
    backupDays,
  }));
  const objects = bench.s3.keys(control.bucket);
  const controls = Object.values(routingControls).map((arn) => bench.recoveryCluster.isOn(arn));
  return { databases, regions, states, objects, controls, shares: bench.dns.weights(record) };
}

/** Waits until whoever follows has what the writer wrote: what is looked at twice is then the same twice. */
async function arrives({ primary, replica }: Pair): Promise<void> {
  const [one, other] = [await stands(primary.server), await stands(replica.server)];
  const [writer, follower] = one.follows ? [other, one] : [one, other];
  if (writer.follows || !follower.follows || !(await streams(follower.server))) return;
  while ((await stands(follower.server)).at < writer.at) await setTimeout(10);
}

async function stands(server: PostgresServer) {
  const lsn = "case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end";
  const sql = `select pg_is_in_recovery() as follows, (${lsn})::text as lsn`;
  const [row] = await ask<{ follows: boolean; lsn: string }>(server, sql);
  return { server, follows: row?.follows ?? false, at: lsnBytes(row?.lsn ?? "0/0") };
}

async function databaseOf(server: PostgresServer): Promise<object> {
  const [roles, canaries, tables] = [
    await ask(server, "select pg_is_in_recovery() as follows, rolcanlogin from pg_roles where rolname = 'app'"),
    await ask(server, "select run from muster_guard.canary order by run"),
    await ask(server, "select (select count(*) from orders) as orders, (select count(*) from users) as users"),
  ];
  return { roles, canaries, tables };
}
