import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { setTimeout as pause } from "node:timers/promises";
import { getReplicationState, lsnBytes } from "../../src/adapters/postgres-state.ts";
import { getCluster, getGlobalCluster, isInvalidGlobalState } from "../../src/adapters/rds-global.ts";
import { whyUnreachable } from "../../src/adapters/unreachable.ts";
import type { Context } from "../../src/context.ts";
import { isUnknown } from "../../src/engine/step.ts";
import { CannotContinue } from "../../src/errors.ts";
import { lookAtDatabase } from "../../src/facts/database.ts";
import type { DatabaseServer } from "../../src/facts/databases/driver.ts";
import { lookAtSide, recallSide, sidesOf } from "../../src/facts/databases/index.ts";
import { seen } from "../../src/facts/fact.ts";
import { rememberInstance } from "../../src/facts/replica.ts";
import { clusterHostOf, clustersOf, east, globalOf, readHostOf, west } from "../../src/lab/estate.ts";
import { promotionsOf } from "../../src/lab/postgres-log.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { checkout } from "../../src/lab/services.ts";
import { asMuster } from "../../src/steps/database.ts";
import { switchGlobalCluster, type SwitchGlobalClusterInput } from "../../src/steps/switch-global-cluster.ts";
import type { DatabaseTarget } from "../../src/steps/targets.ts";
import { beatOnce } from "../../src/watch/heartbeat.ts";
import { makeRenewal } from "../../src/watch/renewal.ts";
import { estateWith } from "../jobs/facts.ts";
import { drive, openBench, type Bench } from "./bench.ts";
import { roleChange, vault } from "./inputs.ts";

const id = clustersOf("checkout")[west];
const global = globalOf("checkout");
const switchover = roleChange("checkout", "switchover");

describe("a global cluster of Aurora", () => {
  const estate = estateWith({ services: [{ ...checkout, driver: "aurora-postgres" }] });
  const service = estate.services["checkout"]!;
  const sides = sidesOf(service.databases[0]!);
  let bench: Bench;
  let ctx: Context;
  /** The secondary as it was in the beginning. */
  let remembered: DatabaseServer | undefined;
  const rds = (region: string) => bench.ctx.clients.rds(region);
  const apply = async (input: SwitchGlobalClusterInput): Promise<unknown> => {
    const seen = await switchGlobalCluster.observe(bench.ctx, input, {});
    if (isUnknown(seen) || !switchGlobalCluster.apply) throw new Error("it cannot be seen");
    return switchGlobalCluster
      .apply(bench.ctx, input, { before: seen, seen, reads: {} })
      .catch((error: unknown) => error);
  };
  const noEffect = (error: unknown) => [isInvalidGlobalState(error), switchGlobalCluster.hadNoEffect?.(error)];

  const hearsNothing = async (replica: DatabaseTarget) => {
    while ((await asMuster(bench.ctx, replica, "LookAtReplica", getReplicationState)).hearsWriter) await pause(100);
  };

  beforeAll(async () => {
    bench = await openBench({ services: [{ ...checkout, driver: "aurora-postgres" }, vault] });
    ctx = { ...bench.ctx, estate };
    for (const side of sides) await lookAtSide(ctx, side);
    remembered = await recallSide(ctx, sides[1]);
  });
  afterAll(() => bench.close());

  it("is told by RDS in the regions of its members, and in no other", async () => {
    const arns = [east, west].map(
      (region) => `arn:aws:rds:${region}:123456789012:cluster:${clustersOf("checkout")[region as typeof west]}`,
    );
    expect(await getGlobalCluster(bench.ctx, rds(west), global)).toEqual({
      id: global,
      status: "available",
      tagged: true,
      members: [
        { arn: arns[0], isWriter: true, synchronization: "connected" },
        { arn: arns[1], isWriter: false, synchronization: "connected" },
      ],
    });
    expect(await getCluster(bench.ctx, rds(west), id)).toMatchObject({
      arn: arns[1],
      region: west,
      status: "available",
      endpoint: { host: clusterHostOf(west), port: 5432 },
      readEndpoint: { host: readHostOf(west), port: 5432 },
    });
    expect(await getGlobalCluster(bench.ctx, rds("eu-west-1"), global)).toBeUndefined();
    expect(await getGlobalCluster(bench.ctx, rds(west), "another")).toBeUndefined();
    expect(await getCluster(bench.ctx, rds(east), id)).toBeUndefined();
  });

  it("tells of its log in Aurora's own words, and a secondary answers its readers only", async () => {
    const state = (region: typeof west | typeof east, host: string) =>
      asMuster(bench.ctx, { ...switchover.replica, region, host }, "LookAtReplica", getReplicationState);
    const writer = await state(east, clusterHostOf(east));
    expect(writer).toMatchObject({ inRecovery: false, timeline: null, hearsWriter: false });
    const silent = await state(west, clusterHostOf(west)).catch(whyUnreachable);
    expect(silent).toMatch(/^has no address/);
    const arrived = async () => lsnBytes((await state(west, readHostOf(west))).replayLsn ?? "0/0");
    while ((await arrived()) < lsnBytes(writer.currentLsn ?? "0/0")) await pause(20);
    expect(await state(west, readHostOf(west))).toMatchObject({ inRecovery: true, timeline: null, hearsWriter: true });
  });

  it("is not changed by a role that may not, and the refusal says which right is missing", async () => {
    bench.rds.denied.add("SwitchoverGlobalCluster");
    const error = (await apply(switchover)) as CannotContinue;
    bench.rds.denied.delete("SwitchoverGlobalCluster");
    expect(error).toBeInstanceOf(CannotContinue);
    expect(error.explanation.todo).toBe("Give Muster's role rds:SwitchoverGlobalCluster, then press Continue.");
    expect(switchGlobalCluster.hadNoEffect?.(error)).toBe(true);
  });

  it("is left as it is where its primary could not be fenced and the secondary hears it again", async () => {
    const input = { ...roleChange("checkout", "failover"), reader: { host: readHostOf(west), port: 5432 } };
    const unfenced = { "fence-writes": { unknown: "it does not answer" } };
    const error: unknown = await switchGlobalCluster
      .observe(bench.ctx, input, unfenced)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CannotContinue);
    expect((error as CannotContinue).explanation.happened).toContain(`${id} receives from it again.`);
    // A fence that holds; a plan of an earlier release.
    expect(await switchGlobalCluster.observe(bench.ctx, input, {})).toMatchObject({ isPrimary: false });
    expect(await switchGlobalCluster.observe(bench.ctx, switchover, unfenced)).toMatchObject({ isPrimary: false });
  });

  it("changes its roles once; asked meanwhile or again, RDS refuses, and that is known to have changed nothing", async () => {
    // Slowly until it was seen on its way: a busy machine must not miss it.
    await bench.time.set(bench.time.clock.now(), 1);
    expect(await apply(switchover)).toBeUndefined();
    expect(noEffect(await apply(switchover))).toEqual([true, true]);
    const patient: typeof switchGlobalCluster = {
      ...switchGlobalCluster,
      observe: async (...args) => {
        const seen = await switchGlobalCluster.observe(...args);
        await bench.time.set(bench.time.clock.now(), 100);
        return seen;
      },
    };
    const { result, waited } = await drive(bench, patient, switchover);
    expect(result).toMatchObject({ status: "available", isPrimary: true, moving: null, inRecovery: false });
    expect(waited[0]).toMatch(
      new RegExp(`^${global} is "(?:pending|switching-over)", and its roles cannot be changed meanwhile$`),
    );
    expect(noEffect(await apply(switchover))).toEqual([true, true]);
    expect(await promotionsOf(bench.pair.replica.server)).toHaveLength(1);
    expect(bench.log.of("rds", "SwitchoverGlobalCluster").flatMap(({ effects }) => effects)).toEqual([
      { target: `rds:${west}/${id}`, wanted: `primary of ${global}` },
    ]);
    // The old primary follows the new one, and stands in for a replica beside it.
    bench.dns.setName(readHostOf(west), bench.pair.primary.front.listen.host);
    const follows = "select pg_is_in_recovery() as follows from pg_stat_wal_receiver where status = 'streaming'";
    while ((await ask(bench.pair.primary.server, follows)).length === 0) await pause(20);
  });

  it("is seen to be written where its primary is, although that is remembered as a secondary with a replica", async () => {
    const [to, from] = sides;
    expect(await recallSide(ctx, from)).toMatchObject({ aurora: { isWriter: false } });
    const facts = await lookAtDatabase(ctx, "checkout", { from, to });
    expect(seen(facts.from.server)?.takesWrites).toBe(true);
    expect(seen(facts.to.server)?.takesWrites).toBe(false);
    await rememberInstance(ctx, from, remembered!);
  });

  it("gets its heartbeat where its primary is, although somebody else moved it and a replica answers its readers", async () => {
    const renewal = makeRenewal();
    const beat = () => beatOnce(ctx, "checkout", service, {}, renewal);
    await beat();
    await renewal.stop();
    await beat();
    const { rows } = await sql<{ instance: string }>`select instance from muster.heartbeat`.execute(bench.db);
    expect(rows).toEqual([{ instance: `${west}/${id}` }]);
  });

  it("is failed over without its primary, in the region that is entered", async () => {
    const { name } = vault;
    const failover = roleChange(name, "failover");
    await bench.setRegionDead(east, true);
    const refused = await apply({ ...roleChange(name, "switchover"), askedIn: west });
    expect(noEffect(refused)).toEqual([true, true]);
    // It hears nothing: a primary that stays silent stops nothing.
    const reader = { host: readHostOf(west, name), port: 5432 };
    const unfenced = { "fence-writes": { unknown: "it does not answer" } };
    await hearsNothing({ ...failover.replica, ...reader });
    const { result } = await drive(bench, switchGlobalCluster, { ...failover, reader }, unfenced);
    expect(result).toMatchObject({ isPrimary: true, inRecovery: false });
    expect(bench.log.of("rds", "FailoverGlobalCluster").map(({ resource }) => resource)).toEqual([
      `${west}/${clustersOf(name)[west]}`,
    ]);
  });
});
