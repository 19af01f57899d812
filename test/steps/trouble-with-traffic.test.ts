import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { isUnknown } from "../../src/engine/step.ts";
import { east, record, west } from "../../src/lab/estate.ts";
import { shiftDns } from "../../src/steps/shift-dns.ts";
import { verifyPublic } from "../../src/steps/verify-public.ts";
import { verifyService } from "../../src/steps/verify-service.ts";
import { watchStability, type WatchStabilitySeen } from "../../src/steps/watch-stability.ts";
import { drive, openBench, type Bench } from "./bench.ts";
import { inputs } from "./inputs.ts";

describe("trouble with traffic", () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await openBench();
    // Without pods, the west's edge answers 503.
    bench.clusters[west]?.scale("shop", "checkout", 0, "kubectl");
    while (bench.clusters[west]?.pods("shop", "checkout").length) await bench.ctx.clock.sleep(1);
  });
  afterAll(() => bench.close());

  it("a region whose pods are not ready is not healthy", async () => {
    const seen = await verifyService.observe(bench.ctx, inputs.verifyService, {});
    if (isUnknown(seen)) throw new Error(seen.unknown);
    expect(seen.probes).toHaveLength(1);
    expect(verifyService.missing(seen, inputs.verifyService, {})).toBe("checkout in us-west-2 answers 503");
  });

  it("a control plane that is gone is named, and where it lives", async () => {
    bench.route53.knobs.down = "refuses";
    const seen = await shiftDns.observe(bench.ctx, inputs.shiftDns, {});
    bench.route53.knobs.down = false;
    expect(seen).toEqual({ unknown: "Route 53's control plane, which lives in us-east-1, breaks connections" });
  });

  it("a change that no name server has yet is waited for; the batch goes out once", async () => {
    // Seconds on the wall for what spreads, not tenths: a look on a busy machine is not over before one has begun.
    await bench.time.set(bench.time.clock.now(), 10);
    const { waited } = await drive(bench, shiftDns, inputs.shiftDns);
    await bench.time.set(bench.time.clock.now(), 100);
    expect(waited[0]).toBe("us-west-2 gets no answers");
    expect(waited.slice(1).join()).toMatch(/the name server ns-1\.example-dns\.lab answers 127\.\d+\.\d+\.11/);
    expect(bench.log.of("route53", "ChangeResourceRecordSets")).toHaveLength(1);
    expect(bench.dns.weights(record)).toEqual({ [east]: 0, [west]: 100 });
  });

  it("a resolver that keeps the old answer is named until its time is over", async () => {
    await bench.ctx.clock.sleep(120);
    const seen = await verifyPublic.observe(bench.ctx, inputs.verifyPublic, {});
    if (isUnknown(seen)) throw new Error(seen.unknown);
    const resolvers = [{ resolver: "127.0.0.1:53", values: ["127.0.0.11"] }];
    expect(verifyPublic.missing({ ...seen, resolvers }, inputs.verifyPublic, {})).toBe(
      "the resolver 127.0.0.1:53 still answers 127.0.0.11",
    );
    expect(seen.wanted).toEqual([bench.edges[west]?.address]);
    expect(verifyPublic.missing(seen, inputs.verifyPublic, {})).toBe(
      "checkout, asked as customers ask it, answers 503",
    );
  });

  describe("the window", () => {
    /** A look of the window with a probe that ends in one way, at a time of the test's own. */
    const lookAt = async (seconds: number, ok: boolean, runId = "run-2"): Promise<WatchStabilitySeen> => {
      // Green is what the east's edge says, asked as the public name is.
      const input = { ...inputs.watchStability, url: `https://${ok ? "east" : "west"}.example.com:8080/health` };
      const at = new Date(Date.UTC(2026, 0, 1) + seconds * 1000);
      const seen = await watchStability.observe(bench.as({ runId, now: () => at }), input, {});
      if (isUnknown(seen)) throw new Error(seen.unknown);
      return seen;
    };
    const missing = (seen: WatchStabilitySeen) => watchStability.missing(seen, inputs.watchStability, {});
    const proberSaw = (seconds: number, ok: boolean) =>
      bench.db
        .insertInto("probe")
        .values({
          service: "checkout",
          via: "public",
          ok,
          took_ms: 1,
          at: new Date(Date.UTC(2026, 0, 1) + seconds * 1000),
        })
        .execute();

    it("begins at the first green probe, and ends when it has lasted", async () => {
      expect(missing(await lookAt(0, false))).toBe("checkout answers 503");
      expect(missing(await lookAt(10, true))).toBe(
        "checkout has been green since 00:00:10; its window ends at 00:01:10 UTC",
      );
      await lookAt(60, true);
      expect(missing(await lookAt(70, true))).toBeUndefined();
    });

    it("begins anew after a red, its own or the prober's, and after a time in which nobody looked", async () => {
      await lookAt(0, true, "run-3");
      await lookAt(30, false, "run-3");
      expect((await lookAt(40, true, "run-3")).greenSince).toBe("2026-01-01T00:00:40.000Z");
      await proberSaw(45, false);
      expect((await lookAt(50, true, "run-3")).greenSince).toBe("2026-01-01T00:00:50.000Z");
      await proberSaw(55, true);
      await lookAt(60, true, "run-3");
      const after = await lookAt(600, true, "run-3");
      expect(after.greenSince).toBe("2026-01-01T00:10:00.000Z");
      expect(after.probes).toBe(6);
    });
  });
});
