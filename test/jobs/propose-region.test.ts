import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { failoverRegion } from "../../jobs/failover-region.ts";
import { brokenClaims, propose } from "../../jobs/propose/propose.ts";
import { loadRegionReport } from "../../jobs/report/load-region.ts";
import type { Context } from "../../src/context.ts";
import { loadJournal } from "../../src/engine/journal.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import type { RegionFacts } from "../../src/facts/region.ts";
import { west } from "../../src/lab/estate.ts";
import { openBench, type Bench } from "../steps/bench.ts";
import { asking, blocked } from "./asking.ts";
import { at, estate, estateOf, healthy } from "./facts.ts";

/** The job of a region, seeing what a test wants it to see. */
const seeingRegion = (facts: RegionFacts) => ({ ...failoverRegion, look: () => Promise.resolve(facts) });
const regionOf = (services: Record<string, FailoverFacts>, held: Record<string, string> = {}): RegionFacts => ({
  toRegion: west,
  lookedAt: at,
  services: Object.fromEntries(Object.entries(services).map(([service, facts]) => [service, { ...facts, service }])),
  held,
  unmovable: {},
});

describe("a proposal", () => {
  let bench: Bench;
  let ctx: Context;
  const inShop = (): Context => ({ ...ctx, estate: estateOf({ checkout: {}, ledger: {}, blog: {} }) });

  beforeAll(async () => {
    bench = await openBench();
    ctx = { ...bench.ctx, estate, ring: () => Promise.resolve() };
  });
  beforeEach(async () => {
    await sql`truncate muster.run, muster.step_event, muster.card, muster.timeline, muster.run_service, muster.unfenced cascade`.execute(
      bench.db,
    );
  });
  afterAll(() => bench.close());

  it("of a region is looked at again as a service's is, though the run holds its services by then", async () => {
    bench.clusters[west]?.editConfig("shop", "app-config", { DB_HOST: "here" }, "kubectl");
    const { runId } = await propose(ctx, failoverRegion, { toRegion: west }, asking("ana"));
    await sql`insert into muster.run_service (service, run) values ('checkout', ${runId})`.execute(bench.db);
    const before = bench.log.all.length;
    expect(await brokenClaims(ctx, runId)).toEqual([]);
    // What no claim is about is not asked anew.
    const asked = new Set(bench.log.all.slice(before).map(({ action }) => action));
    expect(asked).toContain("ListResourceRecordSets");
    expect([...asked].filter((action) => /selfsubject|deployments|PATCH/.test(action))).toEqual([]);
    bench.clusters[west]?.editConfig("shop", "app-config", { DB_HOST: "elsewhere" }, "kubectl");
    expect(await brokenClaims(ctx, runId)).toEqual([
      expect.stringMatching(/^no longer true: checkout: DB_HOST .* it is "elsewhere" now$/),
    ]);
    const { checkout: _gone, ...services } = estate.services;
    expect(await brokenClaims({ ...ctx, estate: { ...estate, services } }, runId)).toEqual([
      'checkout cannot be moved any more: "checkout" is not a service in the estate file',
    ]);
  });

  it("of a region keeps whom it leaves out for its report, also one that is blocked as things are", async () => {
    const facts = regionOf({ checkout: healthy, blog: blocked }, { ledger: "fo-1" });
    const { runId } = await propose(inShop(), seeingRegion(facts), { toRegion: west }, asking("ana"));
    const left = async () => (await loadRegionReport(bench, runId)).left;
    expect(await left()).toEqual([
      { service: "ledger", because: "run fo-1 has it in its hands" },
      { service: "blog", because: expect.stringMatching(/Route 53 does not answer/) },
    ]);
    // As a Muster before this one wrote it.
    await sql`update muster.run set plan = plan - 'left'`.execute(bench.db);
    expect(await left()).toEqual([
      { service: "ledger", because: "run fo-1 has it in its hands" },
      { service: "blog", because: "it could not be moved as things were" },
    ]);
  });

  it("of a region is made anew for whom a run under way left out, and names that run where nobody is left", async () => {
    const wish = { toRegion: west };
    const ask = (facts: RegionFacts) => propose(inShop(), seeingRegion(facts), wish, asking("ben"));
    const { runId: first } = await ask(regionOf({ checkout: healthy, blog: blocked }));
    // While it waits for its approvals, whoever types the same is led to it.
    expect(await ask(regionOf({ checkout: healthy, blog: healthy }))).toEqual({ runId: first, existing: true });
    await sql`update muster.run set state = 'running'`.execute(bench.db);

    const second = await ask(regionOf({ blog: healthy }, { checkout: first }));
    expect(second.existing).toBeUndefined();
    const loaded = await loadJournal(bench.db, second.runId);
    expect(loaded?.run.plan).toMatchObject({ locks: ["blog"], left: [{ service: "checkout" }] });
    expect(await ask(regionOf({ blog: healthy }, { checkout: first }))).toEqual({
      runId: second.runId,
      existing: true,
    });

    await sql`update muster.run set state = 'running'`.execute(bench.db);
    await expect(ask(regionOf({}, { checkout: first, blog: first }))).rejects.toThrow(
      `Run ${first} has every service that is not in us-west-2 yet in its hands. Nothing was changed by asking. Look at it: /muster runs show ${first}.`,
    );
    await expect(ask(regionOf({}, { checkout: first, blog: second.runId }))).rejects.toThrow(
      `No service can be moved to us-west-2 now: checkout (run ${first} has it in its hands); blog (run ${second.runId} has it in its hands).`,
    );
  });
});
