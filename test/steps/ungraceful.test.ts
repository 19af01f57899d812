import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { setTimeout } from "node:timers/promises";
import { sql } from "kysely";
import { writeHeartbeat } from "../../src/adapters/postgres-state.ts";
import { isUnknown, type Json, type Reads } from "../../src/engine/step.ts";
import { east, instances, west } from "../../src/lab/estate.ts";
import { ask, streams } from "../../src/lab/postgres-pair.ts";
import { acceptLoss } from "../../src/steps/accept-loss.ts";
import { acceptSplitBrain } from "../../src/steps/accept-split-brain.ts";
import { catchUp, type CatchUpSeen } from "../../src/steps/catch-up.ts";
import { asMuster } from "../../src/steps/database.ts";
import { drainOldSide } from "../../src/steps/drain-old-side.ts";
import { fenceReturned, type FenceReturnedSeen } from "../../src/steps/fence-returned.ts";
import { fenceWrites } from "../../src/steps/fence-writes.ts";
import { openWrites } from "../../src/steps/open-writes.ts";
import { promoteReplica, type PromoteReplicaSeen } from "../../src/steps/promote-replica.ts";
import { beatKey } from "../../src/steps/loss.ts";
import { verifyDatabase } from "../../src/steps/verify-database.ts";
import { CannotContinue } from "../../src/errors.ts";
import { drive, noteFailure, noteIntent, noteWriterAgain, openBench, type Bench } from "./bench.ts";
import { from, inputs } from "./inputs.ts";

const mode = "ungraceful" as const;

describe("the steps of a failover away from a dead region", () => {
  let bench: Bench;
  const reads: Reads = {};
  const seenOf = <T>(result: T | { unknown: string }): T => {
    if (isUnknown(result)) throw new Error(result.unknown);
    return result;
  };
  let caughtUp: CatchUpSeen;
  let promoted: PromoteReplicaSeen;

  beforeAll(async () => {
    bench = await openBench();
    const { ctx } = bench;
    const beat = new Date(ctx.now().getTime());
    await asMuster(ctx, from, "Beat", (sql) => writeHeartbeat(sql, beat));
    while ((await ask(bench.pair.replica.server, "select from muster_guard.heartbeat")).length === 0)
      await setTimeout(10);
    // Muster saw the old writer take a beat 12 seconds later, which never arrived.
    const last = new Date(beat.getTime() + 12_000);
    await bench.db
      .insertInto("heartbeat")
      .values({ instance: beatKey(from), beat_at: last })
      .execute();
    await bench.setRegionDead(east, true);
    while (await streams(bench.pair.replica.server)) await setTimeout(50);
  });
  afterAll(() => bench.close());

  it("what runs there cannot be seen, and the failover does not wait for it", async () => {
    const { result } = await drive(bench, drainOldSide, { ...inputs.drainOldSide, mode });
    expect(result).toEqual({ unknown: "the cluster east does not answer" });
  });

  it("the writer cannot be fenced: two vantage points agree", async () => {
    const { result } = await drive(bench, fenceWrites, { ...inputs.fenceWrites, mode });
    expect(result).toEqual({
      unknown: "checkout-db does not answer, and its replica checkout-db-west does not hear from it either",
    });
    reads["fence-writes"] = result as Json;
    const gate = { ...inputs.acceptSplitBrain, mode };
    expect(acceptSplitBrain.question(gate, reads)).toBeUndefined();
    // The same evidence in a plan that promised a fence is news.
    expect(acceptSplitBrain.question(inputs.acceptSplitBrain, reads)).toBe(
      "checkout-db is not fenced: checkout-db does not answer, and its replica checkout-db-west does not hear from it " +
        "either. If it still lives, checkout may write in two places, and what is written there is lost. Go on without a fence?",
    );
  });

  it("in a graceful move it parks instead", async () => {
    const input = { ...inputs.fenceWrites };
    const impatient = { ...fenceWrites, patienceSeconds: 30 };
    await expect(drive(bench, impatient, input)).rejects.toThrow(/^parked: checkout-db does not answer/);
  });

  it("the loss is counted from the last beat that was seen, never in our favour", async () => {
    caughtUp = seenOf((await drive(bench, catchUp, { ...inputs.catchUp, mode }, reads)).result);
    reads["catch-up"] = caughtUp;
    expect(caughtUp).toMatchObject({ hearsWriter: false, still: true, lossSeconds: 15, timeline: 1 });
    expect(acceptLoss.question(inputs.acceptLoss, reads)).toBeUndefined();
    expect(acceptLoss.question({ ...inputs.acceptLoss, rpoSeconds: 10 }, reads)).toBe(
      "15 s of checkout's writes would be lost, 10 s are allowed; the card said 10 s. Promote?",
    );
  });

  it("a customer who was served after the last beat had written something, too", async () => {
    const { rows } = await sql<{ at: Date }>`select beat_at as at from muster.heartbeat`.execute(bench.db);
    const probed = (ok: boolean, seconds: number) =>
      bench.db
        .insertInto("probe")
        .values({
          service: "checkout",
          via: "public",
          ok,
          took_ms: 1,
          at: new Date((rows[0]?.at.getTime() ?? 0) + seconds * 1000),
        })
        .execute();
    const loss = async () => seenOf(await catchUp.observe(bench.ctx, { ...inputs.catchUp, mode }, reads)).lossSeconds;
    await probed(true, 6);
    await probed(false, 16);
    expect(await loss()).toBe(20);
    // The heartbeats had ended a minute before the writer did: until the red probe anything may have been written.
    await probed(true, 60);
    await probed(false, 70);
    expect(await loss()).toBe(85);
    await bench.db.deleteFrom("probe").execute();
  });

  it("an old writer that came back while people were asked stops the promotion before its first try, and no other", async () => {
    await bench.setRegionDead(east, false);
    while (!(await streams(bench.pair.replica.server))) await setTimeout(50);
    const look = (known: Reads) => promoteReplica.observe(bench.ctx, inputs.promoteReplica, known);
    const error = await drive(bench, promoteReplica, inputs.promoteReplica, reads).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CannotContinue);
    expect((error as CannotContinue).explanation).toEqual({
      happened:
        "The old writer was silent and could not be fenced; now it is back: checkout-db-west receives from it again.",
      means: expect.stringMatching(/^Customers may be writing there\. .* Nothing was promoted\.$/),
      todo: expect.stringMatching(/^Press Undo, .*fenced; or cut it off from everybody, then press Continue\.$/),
    });
    expect(bench.log.of("rds", "PromoteReadReplica")).toEqual([]);
    // A fence that holds, one that people went on without, and a plan that was made before this look.
    const others: Reads[] = [{ "fence-writes": { provenBy: "no login" } }, { "fence-writes": { waived: true } }, {}];
    for (const known of others) expect(await look(known)).toMatchObject({ inRecovery: true });
    // What may have been done is seen through, whoever comes back.
    await noteIntent(bench, "promote-replica");
    expect(await look(reads)).toMatchObject({ inRecovery: true });
    await bench.db.deleteFrom("step_event").where("step", "=", "checkout/promote-replica").execute();
    // What was refused was not done.
    await noteIntent(bench, "promote-replica", { attempt: 1 });
    await noteFailure(bench, "promote-replica", { attempt: 1, noEffect: true });
    await expect(look(reads)).rejects.toThrow("now it is back");
    await noteIntent(bench, "promote-replica", { attempt: 2 });
    await noteFailure(bench, "promote-replica", { attempt: 2, noEffect: false });
    expect(await look(reads)).toMatchObject({ inRecovery: true });
    await bench.db.deleteFrom("step_event").where("step", "=", "checkout/promote-replica").execute();
    await bench.setRegionDead(east, true);
    while (await streams(bench.pair.replica.server)) await setTimeout(50);
  });

  it("an old writer that its replica does not hear is looked for, unless the fence did so just now", async () => {
    await bench.setRegionDead(east, false);
    await bench.pair.setLink("refuses");
    while (await streams(bench.pair.replica.server)) await setTimeout(50);
    const look = () => promoteReplica.observe(bench.ctx, inputs.promoteReplica, reads);
    const fenced = async (secondsAgo: number) => {
      const at = new Date(bench.ctx.now().getTime() - secondsAgo * 1000);
      const step = "checkout/fence-writes";
      await bench.db.deleteFrom("step_event").where("step", "=", step).execute();
      await bench.db
        .insertInto("step_event")
        .values({ run: bench.ctx.runId, step, kind: "done", epoch: 1, payload: "{}", at })
        .execute();
    };
    await fenced(11);
    await expect(look()).rejects.toThrow("now it is back: it answers, and lets the application write");
    // Ahead of the clock, which runs on: a machine that is busy for a moment does not age it.
    await fenced(-3600);
    expect(await look()).toMatchObject({ inRecovery: true });
    await bench.db.deleteFrom("step_event").where("step", "=", "checkout/fence-writes").execute();
    await expect(look()).rejects.toThrow("now it is back");
    await bench.setRegionDead(east, true);
    await bench.pair.setLink("open");
  });

  it("the replica becomes the writer beside an old one that does not answer", async () => {
    // Its storage grows in the background, for hours: RDS promotes it all the same.
    bench.rds.setStatus(instances[west], "storage-optimization");
    promoted = seenOf((await drive(bench, promoteReplica, inputs.promoteReplica, reads)).result);
    await drive(bench, openWrites, inputs.openWrites);
    const { result } = await drive(bench, verifyDatabase, inputs.verifyDatabase, reads);
    expect(result).toMatchObject({ timeline: 2, oldSide: { state: "unreachable", why: "it does not answer" } });
  });

  it("an old writer that answers again is said to be a second one, and fenced", async () => {
    await bench.setRegionDead(east, false);
    await ask(
      bench.pair.primary.server,
      "insert into orders (number, customer, total_cents) values (1, 'Ada', 1), (2, 'Ada', 1)",
    );
    const impatient = { ...verifyDatabase, patienceSeconds: 30 };
    await expect(drive(bench, impatient, inputs.verifyDatabase, reads)).rejects.toThrow(
      "parked: checkout-db takes writes too: the application may log in",
    );
    const input = {
      ...inputs.fenceReturned,
      baseline: caughtUp.counts,
      replayLsn: caughtUp.replayLsn,
      promotedAt: promoted.promotedAt,
    };
    await bench.setRegionDead(west, true);
    const alone = seenOf(await fenceReturned.observe(bench.ctx, input, {}));
    expect(fenceReturned.notYet?.(alone, input, {})).toMatch(
      /^checkout-db-west .*, and with checkout-db fenced nobody/,
    );
    await bench.setRegionDead(west, false);
    // Built anew and gone back to since, it is the writer.
    await noteWriterAgain(bench, { instance: instances[east], region: east });
    await expect(fenceReturned.observe(bench.ctx, input, {})).rejects.toThrow(
      "Run run-2 makes checkout-db the writer again, or has done so. Fenced, it would leave nobody to take writes.",
    );
    await bench.db.deleteFrom("step_event").where("run", "=", "run-2").execute();
    const seen: FenceReturnedSeen = seenOf((await drive(bench, fenceReturned, input)).result);
    expect(seen).toMatchObject({ canLogIn: false, provenBy: 'the role "app" may not log in' });
    expect(seen.writesAfterPromotion).toMatchObject({
      rows: { "public.orders": 2, "public.users": 0 },
      rowsAfterPromotion: { "public.orders": 2 },
    });
    expect(seen.writesAfterPromotion?.bytes).toBeGreaterThan(0);
    expect(bench.clusters[east]?.replicas("shop", "checkout")).toBe(0);
    await drive(bench, verifyDatabase, inputs.verifyDatabase, reads);
    expect(bench.clusters[west]?.replicas("shop", "checkout")).toBe(1);
  });
});
