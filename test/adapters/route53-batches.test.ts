import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { batchesOf } from "../../src/adapters/route53-batches.ts";
import { getWeightedRecords, replaceWeights } from "../../src/adapters/route53.ts";
import { east, west, zone } from "../../src/lab/estate.ts";
import { openBench, type Bench } from "../steps/bench.ts";
import { inputs } from "../steps/inputs.ts";

const values = (count: number, length = 11) =>
  Array.from({ length: count }, () => ({
    Action: "CREATE" as const,
    ResourceRecordSet: { Name: "a", Type: "A" as const, ResourceRecords: [{ Value: "x".repeat(length) }] },
  }));

describe("batches", () => {
  it("hold at most a thousand elements and 32,000 characters, and never half of what a service wants", () => {
    const sizes = (members: { changes: ReturnType<typeof values> }[]) =>
      batchesOf(members).map((batch) => batch.map(({ changes }) => changes.length));
    expect(sizes(Array.from({ length: 250 }, () => ({ changes: values(4) })))).toEqual([Array(250).fill(4)]);
    expect(sizes(Array.from({ length: 251 }, () => ({ changes: values(4) })))).toEqual([Array(250).fill(4), [4]]);
    expect(sizes([{ changes: values(999) }, { changes: values(4) }])).toEqual([[999], [4]]);
    expect(sizes(Array.from({ length: 3 }, () => ({ changes: values(10, 1500) })))).toEqual([[10, 10], [10]]);
    expect(batchesOf([])).toEqual([]);
  });
});

describe("many services in one zone", () => {
  let bench: Bench;
  const { dns } = inputs.shiftDns;
  const client = () => bench.ctx.clients.route53;
  const asked = (action: string) => bench.log.of("route53", action).length;
  const move = async (of: number, weights: Record<string, number>) => {
    const from = await getWeightedRecords(bench.ctx, client(), dns);
    return replaceWeights(bench.ctx, client(), dns, { from, weights, company: { of, seconds: 15 } });
  };

  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(() => bench.close());

  it("share the reads: whoever asks while one is under way is served by the next", async () => {
    const reads = Array.from({ length: 20 }, () => getWeightedRecords(bench.ctx, client(), dns));
    const found = await Promise.all(reads);
    expect(new Set(found.map((records) => JSON.stringify(records))).size).toBe(1);
    expect(Object.keys(found[0] ?? {}).toSorted()).toEqual([east, west]);
    expect(asked("ListResourceRecordSets")).toBe(2);
  });

  it("send one change together, as soon as all of them are there", async () => {
    // So slow that nobody's patience ends on a busy machine.
    await bench.time.set(bench.time.clock.now(), 1);
    const [first, second] = await Promise.all([move(2, { [west]: 100 }), move(2, { [west]: 100 })]).catch(() => []);
    // Both want the same records here, so the batch is refused as a whole and then in halves: one of the two gets through.
    expect([first, second].filter(Boolean).length).toBeLessThan(2);
    expect(asked("ChangeResourceRecordSets")).toBe(3);
    expect(await getWeightedRecords(bench.ctx, client(), dns)).toMatchObject({ [west]: { weight: 100 } });
  });

  it("wait 15 seconds for each other and no longer, and leave out whoever gives up", async () => {
    const from = await getWeightedRecords(bench.ctx, client(), dns);
    const given = new AbortController();
    const company = { of: 3, seconds: 15 };
    const stays = replaceWeights(bench.ctx, client(), dns, { from, weights: { [west]: 100 }, company });
    const leaves = replaceWeights(
      bench.ctx,
      client(),
      dns,
      { from, weights: { [west]: 50, [east]: 50 }, company },
      { signal: given.signal },
    );
    given.abort(new Error("the lease is gone"));
    await expect(leaves).rejects.toThrow("the lease is gone");
    expect((await stays).changeId).toBeDefined();
    expect(asked("ChangeResourceRecordSets")).toBe(1);
    expect(zone.id).toBe(dns.zone);
    expect(await getWeightedRecords(bench.ctx, client(), dns)).toMatchObject({
      [west]: { weight: 100 },
      [east]: { weight: 0 },
    });
  });

  it("go at once when the process stops, and whoever leaves after that has gone, too", async () => {
    const from = await getWeightedRecords(bench.ctx, client(), dns);
    const [hurry, leave] = [new AbortController(), new AbortController()];
    const company = { of: 3, seconds: 3600, hurry: hurry.signal };
    const shift = (leaves: AbortSignal) =>
      replaceWeights(bench.ctx, client(), dns, {
        from,
        weights: { [west]: 100 },
        company: { ...company, leave: leaves },
      });
    const left = shift(AbortSignal.abort(new Error("held")));
    await expect(left).rejects.toThrow("held");
    const stays = shift(leave.signal);
    hurry.abort();
    leave.abort(new Error("too late"));
    expect((await stays).changeId).toBeDefined();
    expect(asked("ChangeResourceRecordSets")).toBe(1);
  });

  it("do not wait for those of their company who went before", async () => {
    const from = await getWeightedRecords(bench.ctx, client(), dns);
    const other = { ...dns, name: "east.example.com" };
    const company = { of: 2, seconds: 15, name: "run 1" };
    const shift = (name: typeof dns, to: Record<string, number>) =>
      replaceWeights(bench.ctx, client(), name, { from, weights: to, company });
    const startedAt = bench.ctx.now().getTime();
    const seconds = () => (bench.ctx.now().getTime() - startedAt) / 1000;
    await shift(dns, { [west]: 100 });
    expect(seconds()).toBeGreaterThanOrEqual(15);
    // Refused, because the zone holds nothing of the kind; but it went out at once. Slowly: a call takes its time on the wall.
    await bench.time.set(bench.time.clock.now(), 1);
    const before = seconds();
    await expect(shift(other, { [west]: 100 })).rejects.toThrow(/not found|InvalidChangeBatch|Tried to/);
    expect(seconds() - before).toBeLessThan(14);
    expect(asked("ChangeResourceRecordSets")).toBe(2);
  });

  it("are read at the pace, whoever asks", async () => {
    // So slow that twelve reads without a pace would take a part of a second.
    await bench.time.set(bench.time.clock.now(), 10);
    const startedAt = bench.ctx.now().getTime();
    for (let count = 0; count < 12; count += 1) await getWeightedRecords(bench.ctx, client(), dns);
    expect(bench.ctx.now().getTime() - startedAt).toBeGreaterThanOrEqual(11 * 250);
  });
});
