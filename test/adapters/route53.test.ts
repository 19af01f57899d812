import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import {
  getWeightedRecords,
  getZone,
  isInsync,
  isRefusal,
  isThrottled,
  replaceWeights,
} from "../../src/adapters/route53.ts";
import { listRecords } from "../../src/adapters/route53-inventory.ts";
import { CallTimedOut } from "../../src/call.ts";
import { CannotContinue } from "../../src/errors.ts";
import { seen } from "../../src/facts/fact.ts";
import { lookAtRecords } from "../../src/facts/traffic/control-plane.ts";
import { east, record, west } from "../../src/lab/estate.ts";
import { failure, openBench, type Bench } from "../steps/bench.ts";
import { inputs } from "../steps/inputs.ts";

describe("Route 53", () => {
  let bench: Bench;
  const { dns } = inputs.shiftDns;
  const route53 = () => bench.ctx.clients.route53;
  const read = () => getWeightedRecords(bench.ctx, route53(), dns);
  const shift = async (to: string, from?: Awaited<ReturnType<typeof read>>) =>
    replaceWeights(bench.ctx, route53(), dns, { from: from ?? (await read()), weights: { [to]: 100 } });

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  it("shows the shares of a name, and the zone's name servers", async () => {
    expect(await read()).toEqual({
      [east]: { weight: 100, ttl: 60, values: [expect.stringMatching(/\.11$/)] },
      [west]: { weight: 0, ttl: 60, values: [expect.stringMatching(/\.21$/)] },
    });
    const zone = await getZone(bench.ctx, route53(), dns.zone);
    expect(zone).toEqual({ name: "example.com", nameServers: ["ns-1.example-dns.lab"] });
  });

  it("moves all shares in one batch, which is in sync some time later", async () => {
    // Slowly: on a busy machine a look comes later than 0.2 seconds after the change.
    await bench.time.set(bench.time.clock.now(), 1);
    const { changeId } = await shift(west);
    expect(bench.dns.weights(record)).toEqual({ [east]: 0, [west]: 100 });
    expect(await isInsync(bench.ctx, route53(), changeId ?? "")).toBe(false);
    await bench.time.set(bench.time.clock.now(), 100);
    await bench.ctx.clock.sleep(61);
    expect(await isInsync(bench.ctx, route53(), changeId ?? "")).toBe(true);
  });

  it("sends nothing when the shares are right", async () => {
    const before = bench.log.of("route53", "ChangeResourceRecordSets").length;
    expect(await shift(west)).toEqual({ changeId: undefined });
    expect(bench.log.of("route53", "ChangeResourceRecordSets")).toHaveLength(before);
  });

  it("is refused, whole, when the zone is no longer as the caller saw it", async () => {
    const stale = await read();
    await shift(east);
    const error = await failure(shift(east, stale));
    expect(error).toMatchObject({ name: "InvalidChangeBatch" });
    expect(isRefusal(error)).toBe(true);
    expect(bench.dns.weights(record)).toEqual({ [east]: 100, [west]: 0 });
  });

  it("never takes every region's share away", async () => {
    expect(await failure(shift("eu-west-1"))).toBeInstanceOf(CannotContinue);
    expect(bench.dns.weights(record)).toEqual({ [east]: 100, [west]: 0 });
  });

  it("finds and moves the records of a wildcard, whose star is listed as \\052", async () => {
    const name = "*.example.com";
    const own = bench.route53.records().filter((one) => one.name === `${record}.`);
    bench.route53.edit(own.map((one) => ({ ...one, name: `${name}.`, weight: one.setIdentifier === east ? 100 : 0 })));
    const from = await getWeightedRecords(bench.ctx, route53(), { ...dns, name });
    expect(Object.keys(from).toSorted()).toEqual([east, west]);
    await replaceWeights(bench.ctx, route53(), { ...dns, name }, { from, weights: { [west]: 100 } });
    expect(bench.dns.weights(name)).toEqual({ [east]: 0, [west]: 100 });
    const listed = await listRecords(bench.ctx, route53(), dns.zone);
    expect(listed.filter((one) => one.name === name)).toHaveLength(2);
  });

  it.each([
    ["A", ["AAAA"]],
    ["AAAA", ["A"]],
  ] as const)("sees, with the %s records of a name, that it has other addresses too", async (type, otherTypes) => {
    const name = "both.example.com";
    bench.route53.edit([
      { name: `${name}.`, type: "A", ttl: 60, values: ["127.0.0.1"], setIdentifier: east, weight: 1 },
      { name: `${name}.`, type: "AAAA", ttl: 60, values: ["2001:db8::1"], setIdentifier: west, weight: 1 },
    ]);
    const { records, otherTypes: others } = await lookAtRecords(bench.ctx, { ...dns, name, type });
    expect(Object.keys(seen(records) ?? {})).toEqual([type === "A" ? east : west]);
    expect(others).toEqual(otherTypes);
    expect(await lookAtRecords(bench.ctx, dns)).not.toHaveProperty("otherTypes");
  });

  it("tells a throttle and a refusal from a call whose outcome nobody knows", async () => {
    bench.route53.knobs.next("ListResourceRecordSets", "throttle");
    const throttled = await failure(read());
    expect([isThrottled(throttled), isRefusal(throttled)]).toEqual([true, true]);
    const seen = await read();
    bench.route53.knobs.next("ChangeResourceRecordSets", "fail-after");
    const failed = await failure(shift(west, seen));
    expect([isThrottled(failed), isRefusal(failed)]).toEqual([false, false]);
    expect(bench.dns.weights(record)).toEqual({ [east]: 0, [west]: 100 });
    const now = await read();
    bench.route53.knobs.next("ChangeResourceRecordSets", "hang");
    expect(await failure(shift(east, now))).toBeInstanceOf(CallTimedOut);
  });

  it("lets changes of one zone follow each other, whatever becomes of the first", async () => {
    const seen = await read();
    bench.route53.knobs.next("ChangeResourceRecordSets", "fail-before");
    const [first, second] = await Promise.all([failure(shift(east, seen)), failure(shift(east, seen))]);
    expect(first).toBeDefined();
    expect(second).toBeUndefined();
    expect(bench.dns.weights(record)).toEqual({ [east]: 100, [west]: 0 });
  });
});
