import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { failover } from "../../jobs/failover.ts";
import { failoverRegion } from "../../jobs/failover-region.ts";
import { brokenClaims, lookAgain, preview, propose } from "../../jobs/propose/propose.ts";
import { startRefence } from "../../jobs/propose/start-refence.ts";
import { pace } from "../../src/adapters/route53-pace.ts";
import type { Context } from "../../src/context.ts";
import { loadJournal } from "../../src/engine/journal.ts";
import { hashPlan } from "../../src/engine/plan.ts";
import type { Json } from "../../src/engine/step.ts";
import type { UserError } from "../../src/errors.ts";
import { fold } from "../../src/engine/fold.ts";
import { east, west } from "../../src/lab/estate.ts";
import { openBench, type Bench } from "../steps/bench.ts";
import { asking, blocked, seeing } from "./asking.ts";
import { eastDead, estate, healthy } from "./facts.ts";

const input = { toRegion: west, service: "checkout" };
describe("a proposal", () => {
  let bench: Bench;
  let ctx: Context;
  const rung: string[] = [];
  const count = async () => {
    const { rows } = await sql<{ runs: number; events: number; cards: number; lines: number }>`
      select (select count(*)::int from muster.run) as runs, (select count(*)::int from muster.step_event) as events,
             (select count(*)::int from muster.card) as cards, (select count(*)::int from muster.timeline) as lines`.execute(
      bench.db,
    );
    return rows[0];
  };

  beforeAll(async () => {
    bench = await openBench();
    ctx = { ...bench.ctx, estate, ring: (runId) => Promise.resolve(void rung.push(runId)) };
  });
  beforeEach(async () => {
    rung.length = 0;
    await sql`truncate muster.run, muster.step_event, muster.card, muster.timeline, muster.run_service, muster.unfenced cascade`.execute(
      bench.db,
    );
  });
  afterAll(() => bench.close());

  it("is a row with its plan, facts and hash, an event, a line, a card and a ring", async () => {
    const {
      runId,
      preview: shown,
      existing,
    } = await propose(ctx, failover, input, { ...asking("ana"), reason: "fire" });
    expect(existing).toBeUndefined();
    expect(runId).toMatch(/^fo-[a-z0-9]{4}-[a-z0-9]{4}$/);
    expect(shown?.headline).toMatch(/^Move checkout to us-west-2/);
    expect(await count()).toEqual({ runs: 1, events: 1, cards: 1, lines: 1 });
    expect(rung).toEqual([runId]);
    const { rows } = await sql<{
      plan: never;
      facts: Json;
      plan_hash: string;
    }>`select plan, facts, plan_hash from muster.run`.execute(bench.db);
    const [row] = rows;
    if (!row) throw new Error("no row");
    expect(hashPlan(row.plan, row.facts)).toBe(row.plan_hash);
    const loaded = await loadJournal(bench.db, runId);
    if (!loaded) throw new Error("no journal");
    const view = fold(loaded.run.plan, loaded.events);
    expect(view).toMatchObject({ requestedBy: "ana", reason: "fire", planHash: row.plan_hash, approvals: [] });
  });

  it("is made once for a call that is delivered twice", async () => {
    const call = asking("ana");
    const both = [await propose(ctx, seeing(healthy), input, call), await propose(ctx, seeing(healthy), input, call)];
    expect(both.map(({ runId, existing }) => [runId, existing])).toEqual([
      [both[0]?.runId, undefined],
      [both[0]?.runId, undefined],
    ]);
    expect(await count()).toMatchObject({ runs: 1, events: 1 });
  });

  it("leads a second person who types the same to the live run, also in the same second", async () => {
    const all = await Promise.all(["ana", "ben", "cleo"].map((by) => propose(ctx, seeing(healthy), input, asking(by))));
    expect(new Set(all.map(({ runId }) => runId)).size).toBe(1);
    expect(all.filter(({ existing }) => existing)).toHaveLength(2);
    expect(await count()).toMatchObject({ runs: 1 });
    const later = await propose(ctx, seeing(eastDead), input, asking("dora"));
    expect(later).toEqual({ runId: all[0]?.runId, existing: true });
  });

  it("is new where the one before was blocked, or nobody approved it in time", async () => {
    const first = await propose(ctx, seeing(blocked), input, asking("ana"));
    const second = await propose(ctx, seeing(healthy), input, asking("ana"));
    expect([first.preview?.blockers.length, second.existing, second.preview?.blockers]).toEqual([1, undefined, []]);
    await sql`update muster.run set approve_until = muster.now() - interval '1 second'`.execute(bench.db);
    const third = await propose(ctx, seeing(healthy), input, asking("ana"));
    expect(new Set([first, second, third].map(({ runId }) => runId)).size).toBe(3);
  });

  it("is refused while another run has the service in its hands, by that run's name", async () => {
    const { runId } = await propose(ctx, seeing(healthy), input, asking("ana"));
    await sql`update muster.run set state = 'running'`.execute(bench.db);
    await sql`insert into muster.run_service values ('checkout', ${runId})`.execute(bench.db);
    await expect(propose(ctx, seeing(healthy), { ...input, toRegion: east }, asking("ben"))).rejects.toThrow(
      `Run ${runId} has checkout in its hands (move checkout to us-west-2). Nothing was changed by asking.`,
    );
    const todo = async () => {
      const asked = propose(ctx, seeing(healthy), { ...input, toRegion: east }, asking("ben"));
      return ((await asked.catch((error: UserError) => error)) as UserError).explanation.todo;
    };
    expect(await todo()).toBe(`Wait for it, or look at it: /muster runs show ${runId}.`);
    // One that is parked is waited for in vain.
    await sql`insert into muster.step_event (run, step, kind, epoch, payload)
      values (${runId}, null, 'started', 1, '{}'), (${runId}, 'checkout/point-config', 'parked', 1, '{"because": "no map"}')`.execute(
      bench.db,
    );
    expect(await todo()).toBe(
      `It is parked and does nothing more by itself: press Continue on its card, or, to free checkout, press Undo, or Abandon once a promotion was asked for. Look at it: /muster runs show ${runId}.`,
    );
    // Whoever wants the same is led to it.
    expect(await propose(ctx, seeing(healthy), input, asking("ben"))).toEqual({ runId, existing: true });
    await expect(lookAgain(ctx, runId, asking("ben"))).rejects.toThrow(/is under way, on a plan that was approved/);
  });

  it("writes nothing in a dry run", async () => {
    const shown = await preview(ctx, failover, input);
    expect(shown.diffs.map(({ what }) => what)).toContain("Writes go to");
    expect(await count()).toEqual({ runs: 0, events: 0, cards: 0, lines: 0 });
  });

  it("looks again for a run that is over, with the same wish and reason", async () => {
    const first = await propose(ctx, failover, input, { ...asking("ana"), reason: "fire" });
    await sql`update muster.run set state = 'cancelled', outcome = 'cancelled', ended_at = muster.now()`.execute(
      bench.db,
    );
    const second = await lookAgain(ctx, first.runId, asking("ben"));
    expect(second.runId).not.toBe(first.runId);
    const loaded = await loadJournal(bench.db, second.runId);
    expect(loaded?.run).toMatchObject({ requestedBy: "ben", reason: "fire", plan: { input } });
  });

  it("does not look again for a run that only Muster starts: nobody would approve it", async () => {
    const { runId } = await propose(ctx, failover, input, asking("ana"));
    await sql`update muster.run set plan = jsonb_set(plan, '{needed}', '0'), state = 'done', outcome = 'done',
                     ended_at = muster.now()`.execute(bench.db);
    await expect(lookAgain(ctx, runId, asking("dora"))).rejects.toThrow(
      `Run ${runId} was started by Muster itself, and nobody else can start it. Nothing was changed by asking.`,
    );
    expect(await count()).toMatchObject({ runs: 1 });
  });

  it("names the claims that broke since, and none in the world it was made in", async () => {
    const { runId } = await propose(ctx, failover, input, asking("ana"));
    expect(await brokenClaims(ctx, runId)).toEqual([]);
    bench.clusters[west]?.editConfig("shop", "app-config", { DB_HOST: "elsewhere" }, "kubectl");
    expect(await brokenClaims(ctx, runId)).toEqual([
      expect.stringMatching(/^no longer true: DB_HOST .* it is "elsewhere" now$/),
    ]);
  });

  it("is looked at again before the looks of others have had their turns", async () => {
    const { runId } = await propose(ctx, failover, input, asking("ana"));
    const others = new AbortController();
    let served = 0;
    // Of this bench's clock that is half a minute on the wall.
    const looks = Array.from({ length: 12_000 }, () =>
      pace(ctx, ctx.clients.route53, others.signal).then(
        () => (served += 1),
        () => undefined,
      ),
    );
    await brokenClaims(ctx, runId);
    expect(served).toBeLessThan(looks.length);
    others.abort(new Error("seen enough"));
    await Promise.all(looks);
  });

  it("holds no more once the estate names another server or record: its claims would be looked at there", async () => {
    const other = structuredClone(estate);
    const { checkout } = other.services;
    const [database] = checkout?.databases ?? [];
    if (!checkout || database?.driver !== "rds-postgres") throw new Error("the lab's estate has another checkout");
    database.replica.instance = "checkout-west-2";
    checkout.traffic.zone = "Z2";
    for (const [job, wish] of [
      [failover, input],
      [failoverRegion, { toRegion: west }],
    ] as const) {
      const { runId } = await propose(ctx, job as typeof failover, wish as typeof input, asking("ana"));
      const before = bench.log.all.length;
      expect(await brokenClaims({ ...ctx, estate: other }, runId)).toEqual([
        "the plan of checkout is about checkout-db-west in us-west-2, and the estate names checkout-west-2 in us-west-2 now",
        "the plan of checkout is about the A record checkout.example.com of the zone Z0LAB, and the estate names the A record checkout.example.com of the zone Z2 now",
      ]);
      expect(bench.log.all).toHaveLength(before);
    }
  });

  it("holds no more once what it moves is gone from the estate", async () => {
    const { runId } = await propose(ctx, failover, input, asking("ana"));
    const without = { ...ctx, estate: { ...estate, services: {} } };
    expect(await brokenClaims(without, runId)).toEqual([expect.stringMatching(/checkout/u)]);
  });

  it("of a refence needs nobody, and is made once for a parent", async () => {
    const { runId: parent } = await propose(ctx, seeing(eastDead), input, asking("ana"));
    const target = { instance: "checkout-db", region: east, host: "db", port: 5432, appRole: { env: "X" } };
    const refence = {
      parent,
      service: "checkout",
      from: target,
      deployments: [],
      baseline: null,
      replayLsn: null,
      promotedAt: null,
    };
    const ids = [await startRefence(ctx, refence, null), await startRefence(ctx, refence, null)];
    expect(ids[0]).toBe(ids[1]);
    const loaded = await loadJournal(bench.db, ids[0] ?? "");
    expect(loaded?.run).toMatchObject({ parent, plan: { needed: 0, locks: ["db:checkout-db"], claims: [] } });
    expect(await startRefence(ctx, refence, ids[0] ?? "")).not.toBe(ids[0]);
  });
});
