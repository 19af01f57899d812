import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { Breakers, opensAfter } from "../../src/breaker.ts";
import { call, sparing } from "../../src/call.ts";
import type { Context } from "../../src/context.ts";
import { openDb } from "../../src/db/connect.ts";
import { openDriver } from "../../src/engine/drive.ts";
import { rememberReplicaBeat } from "../../src/facts/heartbeats.ts";
import { openMetrics, type Scrape } from "../../src/metrics/open.ts";
import { putOut } from "../../src/outbox/put.ts";
import { approve, engineContext, openEngineLab, planOf, propose, quiet, type EngineLab } from "../engine/engine-lab.ts";
import { World } from "../engine/world.ts";
import { estate } from "../jobs/facts.ts";
import { samplesOf, typesOf } from "./exposition.ts";

/** A busy machine is not a lost lease, nor a call that nobody answers. */
const patient = { leaseMs: 10_000, callTimeoutMs: 5000 };

describe("/metrics", () => {
  let lab: EngineLab;
  let ctx: Context;
  let metrics: Scrape;
  let world: World;
  const silence = Object.assign(new Error("no"), { code: "ECONNREFUSED" });
  const read = async () => samplesOf((await metrics.read()).text);

  beforeAll(async () => {
    lab = await openEngineLab();
    world = new World(lab.clock);
    const breakers = new Breakers({ now: () => lab.clock.now(), log: quiet, isTrouble: (error) => error === silence });
    const steps = world.steps();
    ctx = engineContext({ ...lab, worker: "one", steps, breakers, estate, log: quiet, ...patient });
    metrics = openMetrics(ctx, { slackConnections: () => 2, jobs: ["test"] });
    ctx.meters = metrics.meters;
    // As in main.ts, where they are known later.
    ctx.senders = new Map([["mail", () => Promise.reject(new Error("nothing is sent here"))]]);
  });
  afterAll(() => lab.close());

  it("is what Prometheus reads, under the names it likes", async () => {
    const { text, contentType } = await metrics.read();
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    for (const [name, type] of typesOf(text)) {
      expect(name).toMatch(/^muster_[a-z][a-z_]*$/);
      if (type === "counter") expect(name).toMatch(/_total$/);
      if (type === "histogram") expect(name).toMatch(/_seconds$/);
    }
    expect(typesOf(text).size).toBeGreaterThan(20);
    const samples = await read();
    expect(samples.get('muster_build_info{version="0.1.0",node="' + process.version + '"}')).toBe(1);
    expect(samples.get("muster_slack_connections")).toBe(2);
    expect(samples.get("muster_database_up")).toBe(1);
    expect(samples.get("muster_runs_due")).toBe(0);
    // What has not happened is told, so that the first time is an increase.
    expect(samples.get('muster_run_duration_seconds_count{job="test",outcome="failed"}')).toBe(0);
    expect(samples.get('muster_leases_total{event="taken-over"}')).toBe(0);
  });

  it("counts calls by target and outcome, and tells the state of each breaker", async () => {
    const ask = (work: () => Promise<unknown>, options = {}) =>
      call(ctx, "rds.X", work, { target: "rds us-east-1", ...options }).catch(() => undefined);
    await ask(() => Promise.resolve());
    await ask(() => Promise.reject(new Error("denied")));
    for (let time = 0; time < opensAfter; time += 1) await ask(() => Promise.reject(silence));
    await call(sparing(ctx), "rds.X", () => Promise.resolve(), { target: "rds us-east-1" }).catch(() => undefined);
    const caller = new AbortController();
    const brokenOff = call(ctx, "slack.X", () => new Promise(() => undefined), { signal: caller.signal });
    await Promise.resolve();
    caller.abort(new Error("enough"));
    await brokenOff.catch(() => undefined);
    const samples = await read();
    const count = (target: string, outcome: string) =>
      samples.get(`muster_call_duration_seconds_count{target="${target}",outcome="${outcome}"}`);
    expect(["ok", "refused", "trouble", "not-tried"].map((outcome) => count("rds us-east-1", outcome))).toEqual([
      1,
      1,
      opensAfter,
      1,
    ]);
    expect(count("slack", "given-up")).toBe(1);
    const state = (name: string) => samples.get(`muster_breaker_state{target="rds us-east-1",state="${name}"}`);
    expect(["closed", "half-open", "open"].map(state)).toEqual([0, 0, 1]);
  });

  it("counts what a run comes to, with no name of it, and tells what waits and for how long", async () => {
    const runId = await propose(lab.db, planOf(world.chain()));
    await sql`update muster.run set next_wake_at = muster.now() - interval '90 seconds' where id = ${runId}`.execute(
      lab.db,
    );
    const before = await read();
    expect(before.get("muster_runs_due")).toBe(1);
    expect(before.get("muster_runs_due_oldest_seconds")).toBeGreaterThanOrEqual(90);
    expect(before.get('muster_runs{job="test",state="proposed"}')).toBe(1);
    await approve(ctx, runId);
    const driver = openDriver(ctx);
    await driver.drive(runId);
    await driver.stop();
    const after = await read();
    expect(after.get('muster_runs{job="test",state="done"}')).toBe(1);
    expect(after.get('muster_runs{job="test",state="proposed"}')).toBeUndefined();
    expect(after.get('muster_run_duration_seconds_count{job="test",outcome="done"}')).toBe(1);
    expect(after.get('muster_step_duration_seconds_count{step="set",outcome="done"}')).toBe(1);
    expect(after.get('muster_leases_total{event="taken"}')).toBeGreaterThanOrEqual(1);
    expect(after.get("muster_runs_due")).toBe(0);
    expect((await metrics.read()).text).not.toContain(runId);
  });

  it("tells parked steps until somebody says continue, and how old the oldest message, command, probe and beat are", async () => {
    const refusing = new World(lab.clock);
    refusing.refuses.set("a", "The world said no.");
    const runId = await propose(lab.db, planOf(refusing.chain(["set"])));
    await approve(ctx, runId);
    const driver = openDriver({ ...ctx, steps: refusing.steps() });
    await driver.drive(runId);
    expect((await read()).get("muster_steps_parked")).toBe(1);
    const { db } = lab;
    await sql`truncate muster.outbox`.execute(db);
    for (const thread of ["mail:ana", "mail:ben", "reply:1"])
      await putOut(db, { thread, dedupeKey: thread, payload: { lines: [] } });
    await sql`update muster.outbox set put_at = muster.now() - interval '5 minutes' where thread = 'mail:ben'`.execute(
      db,
    );
    await putOut(db, { thread: "reply:2", dedupeKey: "reply:2", payload: { lines: [] } });
    await putOut(db, { thread: "mail:dora", dedupeKey: "mail:dora", payload: { lines: [] } });
    await sql`update muster.outbox set state = 'parked', attempts = (thread = 'reply:1')::int
               where thread in ('reply:1', 'mail:dora')`.execute(db);
    await sql`insert into muster.inbox (source, delivery_key, body, received_at)
              values ('slack', 'one', '{}', muster.now() - interval '1 minute')`.execute(db);
    await sql`insert into muster.probe (service, via, ok, took_ms, at)
              values ('checkout', 'public', true, 10, muster.now() - interval '1 hour'),
                     ('checkout', 'public', false, 250, muster.now()), ('checkout', 'west', true, 1, muster.now()),
                     ('gone', 'public', true, 1, muster.now())`.execute(db);
    // The release before named no region, and knew nothing younger.
    await sql`insert into muster.replica_beat (instance, service, beat_at)
              values ('checkout-db', 'checkout', muster.now() - interval '1 hour')`.execute(db);
    // The database's clock and this one's are read one after the other.
    const beatAt = new Date(ctx.now().getTime() - 13_000).toISOString();
    const named = { service: "checkout", instance: "checkout-db" };
    await rememberReplicaBeat(ctx, { ...named, region: "us-west-2" }, beatAt);
    // The writer in the other region has the same name.
    await rememberReplicaBeat(ctx, { ...named, region: "us-east-1" }, undefined);
    await sql`insert into muster.turn values ('prober', 'one', clock_timestamp() + interval '1 minute'),
                     ('heartbeat', 'gone', clock_timestamp() - interval '1 minute')`.execute(db);
    const samples = await read();
    const near = (name: string, value: number) => {
      expect(samples.get(name)).toBeGreaterThanOrEqual(value);
      expect(samples.get(name)).toBeLessThan(value + 30);
    };
    expect(samples.get('muster_outbox_waiting{kind="mail"}')).toBe(2);
    near('muster_outbox_oldest_seconds{kind="mail"}', 300);
    // This server sends mails and no replies: those wait for one that does.
    expect(samples.get('muster_outbox_waiting{kind="reply"}')).toBe(1);
    expect(samples.get('muster_outbox_oldest_seconds{kind="reply"}')).toBeUndefined();
    expect(samples.get("muster_outbox_parked")).toBe(1);
    expect(samples.get("muster_inbox_waiting")).toBe(1);
    near("muster_inbox_oldest_seconds", 60);
    expect(samples.get('muster_probe_up{service="checkout"}')).toBe(0);
    expect(samples.get('muster_probe_duration_seconds{service="checkout"}')).toBe(0.25);
    expect(samples.get('muster_probe_up{service="gone"}')).toBeUndefined();
    near('muster_replica_lag_seconds{service="checkout",instance="checkout-db"}', 12);
    await rememberReplicaBeat(ctx, { ...named, region: "us-west-2" }, undefined);
    expect((await read()).get('muster_replica_lag_seconds{service="checkout",instance="checkout-db"}')).toBeUndefined();
    expect(samples.get('muster_turn_holder{duty="prober",holder="one"}')).toBe(1);
    expect(samples.get('muster_turn_holder{duty="heartbeat",holder="gone"}')).toBeUndefined();
    const step = await parkedStep(runId);
    const parkedAfter = async (kind: string, of: string | null, payload: object) => {
      await sql`insert into muster.step_event (run, step, kind, epoch, payload)
                values (${runId}, ${of}, ${kind}, 9, ${JSON.stringify(payload)}::jsonb)`.execute(db);
      return (await read()).get("muster_steps_parked");
    };
    // One of the two who must say so: it waits for the other.
    expect(await parkedAfter("waive-seconded", step, { by: "ben", signal: 90 })).toBe(1);
    expect(await parkedAfter("continued", step, { by: "ben", signal: 91 })).toBe(0);
    expect(await parkedAfter("parked", step, { because: "the world says no" })).toBe(1);
    expect(await parkedAfter("turned-back", null, { by: "ben", signal: 92, verb: "undo" })).toBe(0);
    expect(await parkedAfter("parked", step, { because: "its way back is shut" })).toBe(1);
    await driver.stop();
  });

  const parkedStep = async (runId: string) => {
    const { rows } = await sql<{ step: string }>`
      select step from muster.step_event where run = ${runId} and kind = 'parked'`.execute(lab.db);
    return rows[0]?.step ?? null;
  };

  it("answers with what the process knows while its database is away", async () => {
    const db = openDb("postgres://nobody@127.0.0.1:1/nothing", { max: 1, leaseMs: 1000, log: quiet });
    const broken = openMetrics({ ...ctx, db }, { slackConnections: () => 1, jobs: [] });
    const samples = samplesOf((await broken.read()).text);
    expect(samples.get("muster_database_up")).toBe(0);
    expect(samples.get("muster_slack_connections")).toBe(1);
    expect([...samples.keys()].filter((name) => name.startsWith("muster_runs"))).toEqual([]);
    await db.destroy();
  });
});
