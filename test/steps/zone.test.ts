import { ChangeResourceRecordSetsCommand } from "@aws-sdk/client-route-53";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { getRegionRecords } from "../../src/adapters/route53.ts";
import { messageOf } from "../../src/errors.ts";
import { isUnknown, type Step } from "../../src/engine/step.ts";
import { lookAtChecks } from "../../src/facts/traffic/checks.ts";
import { east, recordOf, recordTtl, west } from "../../src/lab/estate.ts";
import { flipControlObject } from "../../src/steps/flip-control-object.ts";
import { setRoutingControls } from "../../src/steps/set-routing-controls.ts";
import { shiftDns } from "../../src/steps/shift-dns.ts";
import { swapRecords } from "../../src/steps/swap-records.ts";
import { companyOf } from "../../src/steps/zone.ts";
import { openBench, type Bench } from "./bench.ts";
import { inputs } from "./inputs.ts";

describe("the company of a change", () => {
  const dns = { zone: "Z1" };
  const inWave = { dns, together: 3, wave: 2 };
  const by = (runId: string) => {
    const { signal } = new AbortController();
    return { runId, stopping: signal, unwanted: signal };
  };
  const nameOf = (runId: string, input: Parameters<typeof companyOf>[1], way?: "back") =>
    companyOf(by(runId), input, way)?.name;

  it("is nobody for a service that moves alone, else as many as the plan says, for 15 seconds", () => {
    expect(companyOf(by("fo-1"), { dns })).toBeUndefined();
    expect(companyOf(by("fo-1"), inWave)).toMatchObject({ of: 3, seconds: 15 });
  });

  it.each([
    ["run", "fo-2", inWave],
    ["wave", "fo-1", { ...inWave, wave: 3 }],
    ["zone", "fo-1", { ...inWave, dns: { zone: "Z2" } }],
  ] as const)("is another one in another %s", (_what, runId, input) => {
    expect(nameOf(runId, input)).not.toBe(nameOf("fo-1", inWave));
  });

  it("is another one on the way back", () => {
    expect(nameOf("fo-1", inWave, "back")).not.toBe(nameOf("fo-1", inWave));
  });
});

describe("customers who were led back", () => {
  const dns = { name: "shop.example.com", type: "A", zone: "Z1", ttl: 30 } as const;

  it.each([shiftDns, swapRecords, flipControlObject, setRoutingControls].map((step) => [step.name, step] as const))(
    "may still come where %s had led them, for the 60 seconds of the name servers and the TTL",
    (_name, step) => {
      const undo = step.undo as { lingers?: (input: object) => object };
      expect(undo.lingers?.({ dns, toRegion: west })).toEqual({
        seconds: 90,
        because: `resolvers may still send customers to ${west}`,
      });
    },
  );
});

const changesOf = (command: object): string[] =>
  command instanceof ChangeResourceRecordSetsCommand
    ? (command.input.ChangeBatch?.Changes ?? []).map(
        ({ Action, ResourceRecordSet: set }) => `${Action} ${set?.SetIdentifier} ${set?.Weight}`,
      )
    : [];

describe("a wave in one zone", () => {
  let bench: Bench;
  const wave = { together: 3, wave: 2 };
  const dnsOf = (service: string) => ({ ...inputs.swapRecords.dns, name: recordOf(service) });
  const swap = (service: string) => ({ ...inputs.swapRecords, service, dns: dnsOf(service), ...wave });
  const shift = (service: string) => ({ ...inputs.shiftDns, service, dns: dnsOf(service), ...wave });

  const pairOf = (service: string, of: (first: boolean) => object) =>
    [east, west].map((region) => ({
      name: `${recordOf(service)}.`,
      type: "A",
      ttl: recordTtl,
      values: ["127.0.0.1"],
      setIdentifier: region,
      ...of(region === east),
    }));
  const roles = (first: boolean) => ({ failover: first ? ("PRIMARY" as const) : ("SECONDARY" as const) });

  const look = async <Input, Seen>(step: Step<Input, Seen>, input: Input) => {
    const seen = await step.observe(bench.ctx, input, {});
    if (isUnknown(seen)) throw new Error(seen.unknown);
    return seen;
  };
  /** Makes a step's change, and gives the way back. */
  const apply = async <Input, Seen>(step: Step<Input, Seen>, input: Input) => {
    const before = await look(step, input);
    await step.apply?.(bench.ctx, input, { before, seen: before, reads: {} });
    return async () => {
      if (!("apply" in step.undo)) throw new Error(`${step.name} has no way back`);
      await step.undo.apply(bench.ctx, input, { before, seen: await look(step, input), reads: {} });
    };
  };
  const batches = () => bench.log.of("route53", "ChangeResourceRecordSets").length;
  const primaries = () =>
    bench.route53
      .records()
      .flatMap(({ name, failover, setIdentifier }) => (failover === "PRIMARY" ? [`${name} ${setIdentifier}`] : []));

  beforeAll(async () => {
    bench = await openBench();
    // So slow that nobody's patience ends on a busy machine.
    await bench.time.set(bench.time.clock.now(), 1);
    bench.route53.edit([
      ...["one", "two", "three", "stale", "unlisted"].flatMap((service) => pairOf(service, roles)),
      ...pairOf("unchecked", (first) => ({ ...roles(first), ...(first ? { healthCheckId: "deleted" } : {}) })),
      ...pairOf("weighted", (first) => ({ weight: first ? 100 : 0 })),
    ]);
  });
  afterAll(() => bench.close());

  it("changes failover and weighted records by one request, and takes them back by one", async () => {
    const two = [apply(swapRecords, swap("one")), apply(swapRecords, swap("two"))];
    const back = await Promise.all([...two, apply(shiftDns, shift("weighted"))]);
    expect(batches()).toBe(1);
    expect(primaries()).toEqual(expect.arrayContaining(["one.example.com. us-west-2", "two.example.com. us-west-2"]));
    expect(bench.dns.weights(recordOf("weighted"))).toEqual({ [east]: 0, [west]: 100 });

    await Promise.all(back.map((takeBack) => takeBack()));
    expect(batches()).toBe(2);
    expect(primaries()).toEqual(expect.arrayContaining(["one.example.com. us-east-1", "two.example.com. us-east-1"]));
    expect(bench.dns.weights(recordOf("weighted"))).toEqual({ [east]: 100, [west]: 0 });
  });

  it("leaves out only the service whose health check is gone", async () => {
    const unchecked = await getRegionRecords(bench.ctx, bench.ctx.clients.route53, dnsOf("unchecked"));
    const checks = await lookAtChecks(bench.ctx, { at: "now", seen: unchecked });
    expect(checks).toEqual({ [east]: { at: expect.any(String), seen: "deleted" } });
    const before = batches();
    const third = { ...wave, wave: 3 };
    const ends = await Promise.allSettled(
      ["three", "stale", "unchecked"].map((service) => apply(swapRecords, { ...swap(service), ...third })),
    );
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    const [, , refused] = ends as [unknown, unknown, PromiseRejectedResult];
    expect(refused.reason).toMatchObject({ name: "NoSuchHealthCheck" });
    expect(swapRecords.hadNoEffect?.(refused.reason)).toBe(true);
    // All three, then each half.
    expect(batches() - before).toBe(3);
    expect(primaries()).toContain("unchecked.example.com. us-east-1");
  });

  it("leaves out only the service whose record the policy does not name", async () => {
    const fourth = { ...wave, wave: 4 };
    bench.route53.deniedNames.add("unlisted.example.com");
    const ends = await Promise.allSettled(
      ["one", "unlisted", "two"].map((service) => apply(swapRecords, { ...swap(service), ...fourth })),
    );
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    const [, refused] = ends as [unknown, PromiseRejectedResult];
    expect(messageOf(refused.reason)).toContain("Give Muster's role route53:ChangeResourceRecordSets");
    expect(primaries()).toEqual(expect.arrayContaining(["one.example.com. us-west-2", "two.example.com. us-west-2"]));
  });

  it("sends a stranded change anew without the records that it never changed: a check of theirs may be gone", async () => {
    const input = { service: "thirds", toRegion: west, dns: dnsOf("thirds") };
    const [first, second] = pairOf("thirds", (isFirst) => ({ weight: isFirst ? 100 : 0 }));
    if (!first || !second) throw new Error("a pair is two");
    const third = { ...second, setIdentifier: "eu-west-1", weight: 0, healthCheckId: "deleted" };
    bench.route53.edit([first, second, third]);
    const before = await look(shiftDns, input);
    await shiftDns.apply?.(bench.ctx, input, { before, seen: before, reads: {} });
    const seen = await look(shiftDns, input);
    const client = bench.ctx.clients.route53;
    const asked = jest.spyOn(client, "send");
    await shiftDns.apply?.(bench.ctx, input, { before, seen, reads: {} });
    const sent = asked.mock.calls.flatMap(([command]) => changesOf(command));
    asked.mockRestore();
    // The old region's too: at the name servers it may still have its share.
    const both = [`DELETE ${east} 0`, `CREATE ${east} 0`, `DELETE ${west} 100`, `CREATE ${west} 100`];
    expect(sent.toSorted()).toEqual(both.toSorted());
  });

  it("asks a few and no more where the right is missing altogether", async () => {
    const five = ["one", "two", "three", "stale", "unlisted"];
    // Where they are by now they need no change: back.
    const back = { ...wave, together: five.length, wave: 5, fromRegion: west, toRegion: east };
    bench.route53.edit(five.flatMap((service) => pairOf(service, (first) => roles(!first))));
    for (const service of five) bench.route53.deniedNames.add(recordOf(service));
    const before = batches();
    const ends = await Promise.allSettled(five.map((service) => apply(swapRecords, { ...swap(service), ...back })));
    expect(ends.map(({ status }) => status)).toEqual(five.map(() => "rejected"));
    expect(batches() - before).toBe(4);
    bench.route53.deniedNames.clear();
  });
});
