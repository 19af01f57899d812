import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { failover } from "../../jobs/failover.ts";
import { insertRun } from "../../jobs/propose/insert-run.ts";
import { loadReport } from "../../jobs/report/load.ts";
import type { Context } from "../../src/context.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { secretReader } from "../../src/config.ts";
import { isUnknown, type Json } from "../../src/engine/step.ts";
import { sidesOf } from "../../src/facts/databases/index.ts";
import { recallInstance, rememberInstance } from "../../src/facts/replica.ts";
import { east, west } from "../../src/lab/estate.ts";
import { ask, promote } from "../../src/lab/postgres-pair.ts";
import { fenceReturned } from "../../src/steps/fence-returned.ts";
import { beatOnce, startHeartbeat } from "../../src/watch/heartbeat.ts";
import { startTidyingProbes } from "../../src/watch/old-probes.ts";
import { watchOldSides } from "../../src/watch/old-side.ts";
import { readRefenceInput, refreshUnfenced } from "../../src/watch/unfenced.ts";
import { startProber } from "../../src/watch/prober.ts";
import { takeTurn, watch } from "../../src/watch/turn.ts";
import { eastDead, estate, writer } from "../jobs/facts.ts";
import { openBench, type Bench } from "../steps/bench.ts";
import { from, inputs, to } from "../steps/inputs.ts";

describe("the watches, in a lab", () => {
  let bench: Bench;
  let ctx: Context;
  const service = estate.services["checkout"];
  const [writerSide] = sidesOf(service!.databases[0]!);
  const beat = async () => {
    if (service) await beatOnce(ctx, "checkout", service);
  };
  /** Beats until an instance has a new beat: a busy machine may be too slow for one. Returns when it had the one before. */
  const beatsAgain = async (instance: string) => {
    const { [instance]: before = 0 } = await beats();
    await until(async () => {
      await beat();
      return ((await beats())[instance] ?? 0) > before;
    });
  };
  const beats = async () => {
    const { rows } = await sql<{ instance: string; at: Date }>`
      select split_part(instance, '/', 2) as instance, beat_at as at from muster.heartbeat`.execute(bench.db);
    return Object.fromEntries(rows.map(({ instance, at }) => [instance, at.getTime()]));
  };
  const until = async (holds: () => Promise<boolean>) => {
    for (let attempt = 0; attempt < 200 && !(await holds()); attempt += 1) await bench.ctx.clock.sleep(5);
    expect(await holds()).toBe(true);
  };
  const insert = (id: string, plan: Plan) => {
    const asked = { planHash: "x", by: "ana", place: { kind: "terminal" }, channel: "C01" } as const;
    return insertRun(bench.db, { id, job: "failover", plan, facts: eastDead, ...asked });
  };
  const write = (run: string, step: string, kind: string, payload: { [key: string]: Json } = {}) =>
    sql`insert into muster.step_event (run, step, kind, epoch, payload)
        values (${run}, ${`checkout/${step}`}, ${kind}, 1, ${JSON.stringify(payload)}::jsonb)`.execute(bench.db);
  /** A run that left its old side unfenced and promoted the replica, as its journal tells. */
  const leaveUnfenced = async (id: string, change: (plan: Plan) => Plan = (plan) => plan) => {
    const plan = change(failover.plan(estate, { toRegion: west, service: "checkout" }, eastDead));
    await insert(id, plan);
    await write(id, "fence-writes", "done", { result: { unknown: "checkout-db does not answer" } });
    await write(id, "promote-replica", "intent", { attempt: 1, before: null });
  };
  /** The same plan from west to east, as far as its databases go. */
  const turned = (plan: Plan): Plan => {
    const turns: { [step: string]: { [key: string]: Json } } = {
      "fence-writes": { from: to, to: from },
      "promote-replica": { replica: from },
    };
    const nodes = plan.nodes.map((node) => ({ ...node, input: { ...(node.input as object), ...turns[node.step] } }));
    return { ...plan, nodes };
  };
  const timeline = async (run: string) =>
    (await bench.db.selectFrom("timeline").select("line").where("run", "=", run).orderBy("seq").execute())
      .map(({ line }) => line)
      .slice(1);
  const outbox = async (run: string) => {
    const rows = bench.db.selectFrom("outbox").select("thread").where("dedupe_key", "like", `${run}:checkout:%`);
    return (await rows.orderBy("thread").execute()).map(({ thread }) => thread);
  };
  const endRun = (id: string | null | undefined, outcome: string) =>
    sql`update muster.run set state = ${outcome}, outcome = ${outcome}, ended_at = muster.now()
         where id = ${id ?? ""}`.execute(bench.db);
  const unfenced = async () => {
    const { rows } = await sql<{ instance: string; refence: string | null; fenced: boolean }>`
      select instance, refence_run as refence, fenced_at is not null as fenced from muster.unfenced`.execute(bench.db);
    return rows;
  };

  beforeAll(async () => {
    bench = await openBench({ rate: 10 });
    ctx = { ...bench.ctx, estate };
  });
  beforeEach(() => sql`truncate muster.turn`.execute(bench.db));
  afterAll(() => bench.close());

  it("are done by one process at a time, and taken over from one that is gone", async () => {
    const duty = { name: "a duty", everySeconds: 5 };
    const other = { ...ctx, worker: "other" };
    const taken = [await takeTurn(ctx, duty), await takeTurn(other, duty), await takeTurn(ctx, duty)];
    expect(taken).toEqual([true, false, true]);
    await sql`update muster.turn set until = clock_timestamp() - interval '1 second'`.execute(bench.db);
    expect([await takeTurn(other, duty), await takeTurn(ctx, duty)]).toEqual([true, false]);
  });

  it("go on after a bad turn, and give their turn up when they stop", async () => {
    let turns = 0;
    const going = watch(ctx, { name: "a duty", everySeconds: 1 }, () => {
      turns += 1;
      return Promise.reject(new Error("a bad turn"));
    });
    await until(() => Promise.resolve(turns > 2));
    await going.stop();
    const { rows } = await sql`select from muster.turn`.execute(bench.db);
    expect(rows).toHaveLength(0);
  });

  it("beat every 5 seconds, and probe every 10, delete what is old, and renew what is remembered of a promoted one", async () => {
    await rememberInstance(ctx, writerSide, { ...writer, sourceId: "checkout-db-west", backupRetentionDays: 0 });
    await beat();
    const askedBefore = bench.log.of("rds", "DescribeDBInstances").length;
    await sql`insert into muster.probe (service, via, ok, took_ms, at)
              values ('checkout', 'public', false, 1, muster.now() - interval '15 days')`.execute(bench.db);
    // Two seconds on the wall for a turn of ten: on a busy machine one may take more than half of that.
    await bench.time.set(bench.ctx.now(), 5);
    const patient = structuredClone(estate);
    if (patient.services["checkout"]) patient.services["checkout"].health.limitMs = 4000;
    const watches = [startHeartbeat(ctx), startProber({ ...ctx, estate: patient }), startTidyingProbes(ctx)];
    await bench.ctx.clock.sleep(42);
    const { "checkout-db": at = 0 } = await beats();
    expect(bench.ctx.now().getTime() - at).toBeLessThan(15_000);
    await Promise.all(watches.map((one) => one.stop()));
    await bench.time.set(bench.ctx.now(), 10);
    // An edge whose pods a busy machine keeps waiting answers 502 or 503 now and then.
    const { rows } = await sql<{ probes: number; green: boolean; faults: string[] }>`
      select count(*)::int as probes, bool_or(ok) as green,
             coalesce(array_agg(why) filter (where why !~ '^answers 50[23]$'), '{}') as faults from muster.probe`.execute(
      bench.db,
    );
    expect(rows[0]).toMatchObject({ green: true, faults: [] });
    expect(rows[0]?.probes).toBeGreaterThanOrEqual(4);
    expect(rows[0]?.probes).toBeLessThanOrEqual(6);
    const { sourceId, backupRetentionDays } = (await recallInstance(ctx, writerSide)) ?? {};
    expect([sourceId, backupRetentionDays]).toEqual([undefined, 7]);
    expect(bench.log.of("rds", "DescribeDBInstances")).toHaveLength(1 + askedBefore);
  });

  it("do not beat behind a fence", async () => {
    const before = (await beats())["checkout-db"];
    await ask(bench.pair.primary.server, "alter role app nologin");
    await beat();
    expect((await beats())["checkout-db"]).toBe(before);
    await ask(bench.pair.primary.server, "alter role app login");
    await beatsAgain("checkout-db");
  });

  it("go on watching an old side in recovery, until it is shown to follow the new writer", async () => {
    // The other way round: the west was left, and follows the east.
    await leaveUnfenced("run-to-east", turned);
    await watchOldSides(ctx);
    const west = { instance: "checkout-db-west", refence: null };
    expect(await unfenced()).toEqual([{ ...west, fenced: false }]);
    await beatsAgain("checkout-db");
    await until(async () => {
      await watchOldSides(ctx);
      return (await unfenced()).some(({ fenced }) => fenced);
    });
    expect(await unfenced()).toEqual([{ ...west, fenced: true }]);
    await sql`truncate muster.unfenced`.execute(bench.db);
    await sql`delete from muster.step_event where run = 'run-to-east'`.execute(bench.db);
  });

  it("tell people, once, of an old side that answers and does not let Muster in", async () => {
    const told = { ...ctx, senders: new Map([["mail", () => Promise.reject(new Error("nothing is sent here"))]]) };
    const cannot = "Muster cannot look into the old writer of checkout: ";
    await leaveUnfenced("run-shut-out");
    await ask(bench.pair.primary.server, "alter role muster connection limit 0");
    await until(async () => {
      await watchOldSides(told);
      return (await outbox("run-shut-out")).length > 0;
    });
    await watchOldSides(told);
    await ask(bench.pair.primary.server, "alter role muster connection limit -1");
    expect(await outbox("run-shut-out")).toEqual(["mail:ana", "mail:ben", "mail:cleo", "run:run-shut-out"]);
    expect(await timeline("run-shut-out")).toEqual([expect.stringContaining(`${cannot}checkout-db: too many conn`)]);
    await leaveUnfenced("run-no-secret");
    await watchOldSides({ ...told, secret: secretReader({}) });
    expect(await timeline("run-no-secret")).toEqual([
      expect.stringContaining(`${cannot}A secret the estate refers to`),
    ]);
  });

  it("leave an old side open that is the only writer, because the promotion was refused", async () => {
    await leaveUnfenced("run-refused");
    await watchOldSides(ctx);
    expect(await unfenced()).toEqual([{ instance: "checkout-db", refence: null, fenced: false }]);
    expect(await timeline("run-refused")).toEqual([expect.stringContaining(": checkout-db-west is in recovery. ")]);
    const seen = await fenceReturned.observe(bench.ctx, inputs.fenceReturned, {});
    if (isUnknown(seen)) throw new Error(seen.unknown);
    expect(fenceReturned.notYet?.(seen, inputs.fenceReturned, {})).toBe(
      "checkout-db-west does not take writes, and with checkout-db fenced nobody might take writes",
    );
    // One that was accepted is waited for with the fence up: what the old side took until then would be lost.
    await write("run-refused", "promote-replica", "applied", { attempt: 1 });
    const { parent: _, ...input } = (await readRefenceInput(ctx, "run-refused", "checkout-db"))!;
    expect(await fenceReturned.observe(bench.ctx, input, {})).toMatchObject({ noWriter: null });
    await sql`delete from muster.step_event where run = 'run-refused' and kind = 'applied'`.execute(bench.db);
  });

  it("find an old side that nobody fenced, leave it while it is silent, and fence it when it answers", async () => {
    await leaveUnfenced("run-unfenced");
    await bench.setRegionDead(east, true);
    await promote(bench.pair.replica.server);
    await watchOldSides(ctx);
    expect(await unfenced()).toEqual([{ instance: "checkout-db", refence: null, fenced: false }]);
    await bench.setRegionDead(east, false);
    await until(async () => {
      await watchOldSides(ctx);
      return (await unfenced()).some(({ refence }) => refence !== null);
    });
    const [first] = await unfenced();
    expect(first?.refence).toMatch(/^rf-/);
    await watchOldSides(ctx);
    expect(await unfenced()).toEqual([first]);
    await endRun(first?.refence, "cancelled");
    await until(async () => {
      await watchOldSides(ctx);
      return (await unfenced()).some(({ refence }) => refence !== first?.refence);
    });
    const [second] = await unfenced();
    expect(second?.refence).toMatch(/^rf-/);
    expect(second?.refence).not.toBe(first?.refence);
    // Nobody stopped the first; a person stops the second, and that holds.
    const said = { verb: "abandon", by: "ana", because: "accepted: the run ends here, as it stands" };
    await sql`insert into muster.step_event (run, kind, epoch, payload)
              values (${second?.refence}, 'refused', 1, ${JSON.stringify(said)}::jsonb)`.execute(bench.db);
    await endRun(second?.refence, "failed");
    await watchOldSides(ctx);
    expect(await unfenced()).toEqual([second]);
    expect((await loadReport(ctx, "run-unfenced")).now).toContain(
      `checkout-db came back, and is not fenced: ana stopped run ${second?.refence}, and Muster starts no other. One of ana, ben, cleo takes the application's role its right to log in there and ends its sessions, or stops the server.`,
    );
    await endRun(second?.refence, "done");
    await watchOldSides(ctx);
    expect(await unfenced()).toEqual([{ ...second, fenced: true }]);
  });

  it("follow the new writer, and give an old one that came back nothing", async () => {
    const before = await beats();
    await beatsAgain("checkout-db-west");
    const now = await beats();
    expect(now["checkout-db-west"]).toBeGreaterThan(before["checkout-db"] ?? 0);
    expect(now["checkout-db"]).toBe(before["checkout-db"]);
  });

  it("let go of an old side that a later failover led back to", async () => {
    await sql`update muster.unfenced set fenced_at = null, refence_run = null`.execute(bench.db);
    const plan = failover.plan(estate, { toRegion: west, service: "checkout" }, eastDead);
    // One of the same name in the other region is another one.
    const namesake = JSON.parse(JSON.stringify(plan).replaceAll('"checkout-db-west"', '"checkout-db"')) as typeof plan;
    await insert("run-namesake", namesake);
    await write("run-namesake", "promote-replica", "intent");
    await refreshUnfenced(ctx);
    expect(await unfenced()).toEqual([{ instance: "checkout-db", refence: null, fenced: false }]);
    await insert("run-back", turned(plan));
    await write("run-back", "promote-replica", "intent");
    await watchOldSides(ctx);
    expect(await unfenced()).toEqual([{ instance: "checkout-db", refence: null, fenced: true }]);
  });

  it("hold nothing against an old side whose fence was seen to hold", async () => {
    await sql`truncate muster.unfenced`.execute(bench.db);
    await leaveUnfenced("run-fenced");
    await sql`update muster.step_event set payload = '{"result": {"provenBy": "x"}}'
               where run = 'run-fenced' and step = 'checkout/fence-writes'`.execute(bench.db);
    await watchOldSides(ctx);
    expect(await unfenced()).toEqual([]);
  });
});
