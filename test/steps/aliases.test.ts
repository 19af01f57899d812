import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { isUnknown } from "../../src/engine/step.ts";
import { east, frontDoorOf, record, west } from "../../src/lab/estate.ts";
import { checkout } from "../../src/lab/services.ts";
import { isWrong } from "../../src/steps/name-servers.ts";
import { shiftDns } from "../../src/steps/shift-dns.ts";
import { verifyPublic } from "../../src/steps/verify-public.ts";
import { drive, openBench, type Bench } from "./bench.ts";
import { inputs } from "./inputs.ts";

describe("a name whose records are aliases", () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await openBench({ services: [{ ...checkout, aliases: true }] });
  });
  afterAll(() => bench.close());

  const named = (name: string) => bench.route53.records().filter((one) => one.name === `${name}.`);
  const runAt = (rate: number) => bench.time.set(bench.time.clock.now(), rate);
  /** The clock stands nearly still from a change until it is looked at: a busy machine must not miss how it spreads. */
  const slowUntilSeen = (step: typeof shiftDns): typeof shiftDns => ({
    ...step,
    apply: async (...args) => {
      await step.apply?.(...args);
      await runAt(0.1);
    },
    observe: async (...args) => {
      const seen = await step.observe(...args);
      await runAt(100);
      return seen;
    },
  });
  const look = async () => {
    const seen = await verifyPublic.observe(bench.ctx, inputs.verifyPublic, {});
    if (isUnknown(seen)) throw new Error(seen.unknown);
    return seen;
  };

  it("has not arrived while a name server answers what the old region's alias leads to", async () => {
    const { waited, result } = await drive(bench, slowUntilSeen(shiftDns), inputs.shiftDns);
    expect(waited[0]).toBe("us-west-2 gets no answers");
    expect(waited.slice(1).join()).toMatch(/the name server ns-\d\.example-dns\.lab answers 127\.\d+\.\d+\.11/);
    expect(bench.dns.weights(record)).toEqual({ [east]: 0, [west]: 100 });
    expect(named(record).map(({ values, alias }) => [values, alias?.name])).toEqual([
      [[], `${frontDoorOf(east)}.`],
      [[], `${frontDoorOf(west)}.`],
    ]);
    // A name server is many machines: one that is behind may be met by a later question only.
    const told = await drive(bench, verifyPublic, inputs.verifyPublic, { "checkout/shift-dns": result });
    expect(told.result).toMatchObject({ wanted: [bench.edges[west]?.address], oneIsEnough: true, behind: [] });
  });

  it("is compared with what the alias leads to now", async () => {
    const door = { name: frontDoorOf(west), type: "A", ttl: 60, values: ["127.0.0.99"] };
    const before = [...bench.route53.records()];
    bench.route53.edit(before.map((one) => (one.name === `${door.name}.` ? { ...one, values: door.values } : one)));
    const seen = await look();
    bench.route53.edit(before);
    expect(seen).toMatchObject({ wanted: ["127.0.0.99"], behind: [] });
  });

  it("is the same address however an IPv6 address is written, and another one where it differs", () => {
    const right = { values: ["2001:0DB8:0:0:0:0:0:1", "::FFFF:192.0.2.1"] };
    expect(isWrong(["2001:db8::1"], right)).toBe(false);
    expect(isWrong(["2001:db8::1", "::ffff:c000:201"], right)).toBe(false);
    expect(isWrong(["2001:db8::2"], right)).toBe(true);
  });

  it("is right with a share of a load balancer's addresses, and wrong with none of them", () => {
    const right = { values: ["192.0.2.1", "192.0.2.2"], oneIsEnough: true as const };
    expect(isWrong(["192.0.2.2", "192.0.2.3"], right)).toBe(false);
    expect(isWrong(["198.51.100.7"], right)).toBe(true);
    expect(isWrong([], right)).toBe(true);
    expect(isWrong(["192.0.2.1", "192.0.2.3"], { values: right.values })).toBe(true);
  });
});
