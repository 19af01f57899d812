import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { Clock } from "../../src/clock.ts";
import { pickRecord, sharesOf } from "../../src/lab/dns-routing.ts";
import type { ZoneRecord } from "../../src/lab/dns-answers.ts";
import { HealthChecks, type HealthCheckConfig } from "../../src/lab/health-checks.ts";

const config: HealthCheckConfig = {
  type: "HTTPS",
  host: "control-west.s3.us-west-2.amazonaws.com",
  path: "/go-west",
  intervalSeconds: 10,
  failureThreshold: 3,
  inverted: false,
  disabled: false,
};

describe("a health check", () => {
  let clock: Clock;
  let ok: boolean;
  let checks: HealthChecks;

  beforeEach(() => {
    clock = new Clock({ shows: new Date("2026-11-23T03:00:00Z"), rate: 1 });
    ok = true;
    checks = new HealthChecks({ clock, ask: () => Promise.resolve({ ok, says: "" }) });
  });
  afterEach(() => checks.close());

  /** Lets so many looks pass, each waited for. */
  const looks = async (count: number, seconds = 10) => {
    for (let look = 0; look < count; look += 1) {
      clock.set({ shows: new Date(clock.now().getTime() + seconds * 1000), rate: 1 });
      while (clock.sleepers > 0 && (clock.nextDue()?.getTime() ?? 0) <= clock.now().getTime()) {
        await new Promise(setImmediate);
      }
      await new Promise(setImmediate);
    }
  };

  it("changes its mind after so many looks in a row, and starts anew after one that was otherwise", async () => {
    const { id } = checks.create("one", config);
    ok = false;
    await looks(2);
    expect(checks.isHealthy(id)).toBe(true);
    ok = true;
    await looks(1);
    ok = false;
    await looks(2);
    expect(checks.isHealthy(id)).toBe(true);
    await looks(1);
    expect(checks.isHealthy(id)).toBe(false);
    ok = true;
    await looks(3);
    expect(checks.isHealthy(id)).toBe(true);
  });

  it("counts as healthy while it is new, and as unhealthy when it is new and inverted", async () => {
    const { id } = checks.create("one", { ...config, inverted: true });
    ok = false;
    expect(checks.isHealthy(id)).toBe(false);
    await looks(3);
    expect(checks.isHealthy(id)).toBe(true);
  });

  it("is healthy when it is disabled, whatever its endpoint is, and unhealthy when it is inverted as well", async () => {
    ok = false;
    const plain = checks.create("one", config);
    const inverted = checks.create("two", { ...config, inverted: true });
    await looks(3);
    expect([plain, inverted].map(({ id }) => checks.isHealthy(id))).toEqual([false, true]);
    for (const { id } of [plain, inverted]) checks.edit(id, { disabled: true });
    expect([plain, inverted].map(({ id }) => checks.isHealthy(id))).toEqual([true, false]);
  });
});

describe("the record that answers", () => {
  const record = (setIdentifier: string, more: Partial<ZoneRecord>): ZoneRecord => ({
    name: "checkout.example.com.",
    type: "A",
    ttl: 60,
    values: [setIdentifier],
    setIdentifier,
    ...more,
  });
  const pair = [record("east", { failover: "PRIMARY" }), record("west", { failover: "SECONDARY" })];
  const weighted = [record("east", { weight: 100 }), record("west", { weight: 0 })];
  const without = (...ill: string[]) => ({
    random: () => 0.5,
    healthy: ({ setIdentifier = "" }: ZoneRecord) => !ill.includes(setIdentifier),
  });

  it.each([
    [[], "east"],
    [["east"], "west"],
    [["west"], "east"],
    // Both red: the primary is answered.
    [["east", "west"], "east"],
  ])("of a pair with %j ill is %s's", (ill, answers) => {
    expect(pickRecord(pair, without(...ill))?.setIdentifier).toBe(answers);
    expect(sharesOf(pair, without(...ill).healthy)[answers]).toBe(100);
  });

  it.each([
    [[], "east"],
    // A weight of 0 is asked once every other is ill.
    [["east"], "west"],
    // All ill: as if nothing were wrong.
    [["east", "west"], "east"],
  ])("of weights with %j ill is %s's", (ill, answers) => {
    expect(pickRecord(weighted, without(...ill))?.setIdentifier).toBe(answers);
  });
});
