import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { failover } from "../../jobs/failover.ts";
import { insertRun } from "../../jobs/propose/insert-run.ts";
import type { Context } from "../../src/context.ts";
import { west } from "../../src/lab/estate.ts";
import { probeServices, startProber } from "../../src/watch/prober.ts";
import { eastDead, estate } from "../jobs/facts.ts";
import { openBench, type Bench } from "../steps/bench.ts";

describe("the prober, in a lab", () => {
  let bench: Bench;
  let ctx: Context;
  beforeAll(async () => {
    bench = await openBench({ rate: 10 });
    ctx = { ...bench.ctx, estate };
  });
  afterAll(() => bench.close());

  it("asks every 2 seconds while a run has a service in its hands that serves nobody", async () => {
    const plan = failover.plan(estate, { toRegion: west, service: "checkout" }, eastDead);
    const asked = { planHash: "x", by: "ana", place: { kind: "terminal" }, channel: "C01" } as const;
    await insertRun(bench.db, { id: "run-under-way", job: "failover", plan, facts: eastDead, ...asked });
    await sql`insert into muster.run_service (service, run) values ('checkout', 'run-under-way')`.execute(bench.db);
    const reds = async () => {
      const { rows } = await sql<{ probes: number; red: boolean; seconds: number }>`
        select count(*)::int as probes, bool_and(not ok) as red, extract(epoch from max(at) - min(at))::float8 as seconds
          from (select ok, at from muster.probe order by at limit 8) first`.execute(bench.db);
      return rows[0]!;
    };
    // No answer is soon enough: it is red whenever it is asked.
    const red = structuredClone(estate);
    if (red.services["checkout"]) red.services["checkout"].health.limitMs = 0;
    const prober = startProber({ ...ctx, estate: red });
    for (let wait = 0; wait < 200 && (await reds()).probes < 8; wait += 1) await bench.ctx.clock.sleep(5);
    await prober.stop();
    expect(await reds()).toMatchObject({ probes: 8, red: true });
    // Every 2 seconds it takes 14, every 10 it would take 70; a busy machine may be late.
    expect((await reds()).seconds).toBeLessThan(60);
  });

  it("asks a hundred services some at a time, and does not let silent ones hold up the others", async () => {
    const checkout = estate.services["checkout"]!;
    const asking = (name: string) => ({ url: `https://${name}.example.com:8080/health`, edges: {}, limitMs: 60_000 });
    const names = Array.from({ length: 100 }, (_, index) => `copy-${index}`);
    const services = Object.fromEntries(
      names.map((name, index) => [name, { ...checkout, health: asking(index % 2 ? "checkout" : "west") }]),
    );
    const edge = bench.edges[west]!;
    edge.knobs.down = "silent";
    const open = { now: 0, most: 0 };
    const startedAt = performance.now();
    const point = (name: string) => {
      open.now += name === "before probe.Get" ? 1 : name === "after probe.Get" ? -1 : 0;
      // After a second (a timer's, which may begin early) the silent ones make room for others, however many those are.
      if (performance.now() - startedAt < 500) open.most = Math.max(open.most, open.now);
      return Promise.resolve();
    };
    await probeServices({ ...ctx, estate: { ...estate, services }, point, callTimeoutMs: 5000 });
    edge.knobs.down = false;
    // An edge whose pods a busy machine keeps waiting answers 502 or 503: that is an answer, too.
    const { rows } = await sql<{ silent: boolean; count: number }>`
      select why is not distinct from 'does not answer' as silent, count(*)::int
        from muster.probe where service like 'copy-%' group by silent order by silent`.execute(bench.db);
    expect(rows).toEqual([
      { silent: false, count: 50 },
      { silent: true, count: 50 },
    ]);
    expect(open.most).toBeLessThanOrEqual(40);
  });
});
