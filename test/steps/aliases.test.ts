import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { isUnknown } from "../../src/engine/step.ts";
import { expectedAnswers, expectedBy } from "../../src/facts/traffic/expected.ts";
import { east, frontDoorOf, record, west, zone } from "../../src/lab/estate.ts";
import { checkout } from "../../src/lab/services.ts";
import { isWrong } from "../../src/steps/name-servers.ts";
import { shiftDns } from "../../src/steps/shift-dns.ts";
import { verifyPublic } from "../../src/steps/verify-public.ts";
import { by } from "../jobs/traffic-facts.ts";
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

  const unseen = { at: "now", unknown: "Route 53 does not answer" };
  const door = "https://west.example.com:8080/health";
  it.each([
    ["by the front door's name, followed anew", "A", door, { expected: [], door: "west.example.com" }],
    ["by the front door's name, of its type", "AAAA", door, { expected: [], door: "west.example.com" }],
    ["by nothing in particular where a name is answered", "CNAME", door, { expected: [] }],
    ["by the front door's address", "A", "http://192.0.2.7/", { expected: ["192.0.2.7"] }],
    ["by the front door's IPv6 address", "AAAA", "http://[2001:db8::7]:80/", { expected: ["2001:db8::7"] }],
    ["by nothing where the address is of the other kind", "AAAA", "http://192.0.2.7/", { expected: [] }],
    ["by nothing where there is no front door", "A", undefined, { expected: [] }],
  ] as const)("is told %s, where nobody saw the record", (_how, type, edge, expected) => {
    expect(expectedAnswers(unseen, { edge, toRegion: west }, type)).toEqual(expected);
  });

  it("has arrived with one of the front door's addresses, where nobody saw the record", async () => {
    const facts = by("route53-switch", { records: unseen });
    const told = expectedBy(facts, expectedAnswers(unseen, { edge: door, toRegion: west }, "A"));
    const expected = { ...told, nameServers: [zone.nameServer] };
    expect(expected).toMatchObject({ values: [], alias: "west.example.com" });
    const seen = await verifyPublic.observe(bench.ctx, { ...inputs.verifyPublic, expected }, {});
    expect(seen).toMatchObject({ wanted: [bench.edges[west]?.address], oneIsEnough: true, behind: [] });
  });

  it("is right with a share of a load balancer's addresses, and wrong with none of them", () => {
    const right = { values: ["192.0.2.1", "192.0.2.2"], oneIsEnough: true as const };
    expect(isWrong(["192.0.2.2", "192.0.2.3"], right)).toBe(false);
    expect(isWrong(["198.51.100.7"], right)).toBe(true);
    expect(isWrong([], right)).toBe(true);
    expect(isWrong(["192.0.2.1", "192.0.2.3"], { values: right.values })).toBe(true);
  });
});
