import { describe, expect, it } from "@jest/globals";
import { setTimeout } from "node:timers/promises";
import type { PublicAnswer } from "../../src/adapters/dns.ts";
import { Activity } from "../../src/activity.ts";
import type { DoctorContext } from "../../src/doctor/check.ts";
import type { Finding } from "../../src/doctor/finding.ts";
import { judgeResolvers, noServers } from "../../src/doctor/name-servers.ts";
import { judgeRecords, records } from "../../src/doctor/records.ts";
import type { Estate, Service } from "../../src/estate.ts";
import type { ZoneRecord } from "../../src/adapters/route53-inventory.ts";
import { openZone } from "../lab/one-zone.ts";

const [east, west] = ["us-east-1", "us-west-2"] as const;
const name = "basket.example.com";

const control = { region: west, bucket: "control-west", key: "go" };

const controls: Record<string, string> = { [east]: "arn:east", [west]: "arn:west" };

/** A service that keeps no data, in both regions. */
function estateWith(driver: Service["traffic"]["driver"], change = {}): { estate: Estate; service: Service } {
  const service = {
    databases: [],
    deployments: [{ region: east }, { region: west }],
    traffic: { driver, zone: "Z1", name, type: "A", ttl: 60, primary: east, control, controls, ...change },
  } as unknown as Service;
  return { estate: { regions: [east, west], services: { basket: service } } as unknown as Estate, service };
}

function judge(driver: Service["traffic"]["driver"], records: Partial<ZoneRecord>[], change = {}) {
  const { estate, service } = estateWith(driver, change);
  const all = records.map((one) => ({ name, type: "A", ttl: 60, ...one }));
  return judgeRecords(estate, { name: "basket", service }, all);
}

describe("the records of a service without a database", () => {
  it.each([
    ["none", [], `The zone Z1 has no such record (A) for ${east} and ${west}.`],
    ["one of two", [{ set: east, weight: 100 }], `The zone Z1 has no weighted record of that name (A) for ${west}.`],
    ["no share at all", [east, west].map((set) => ({ set, weight: 0 })), `Every share of ${name} is 0.`],
  ])("%s is told", (_what, records, happened) => {
    expect(judge("route53-weighted", records)).toMatchObject({ happened });
  });

  it("are well when there is one a region", () => {
    const records = [
      { set: east, weight: 100 },
      { set: west, weight: 0 },
    ];
    expect(judge("route53-weighted", records)).toMatchObject({ state: "ok", seen: `${east} 100, ${west} 0` });
  });

  it.each([
    ["route53-weighted", { weight: 100 }, "broken", /^Muster moves the A records alone/],
    ["arc-routing-control", { healthCheck: "hc" }, "warning", /^Muster does not look at them/],
  ] as const)("are told, of %s, where the name has addresses of the other type too", (driver, how, state, means) => {
    const records = [east, west].map((set) => ({ set, ...how }));
    expect(judge(driver, [...records, { type: "AAAA" }])).toMatchObject({
      state,
      happened: `${name} has AAAA records too.`,
      means: expect.stringMatching(means),
    });
    expect(judge(driver, [...records, { type: "AAAA", name: "other.example.com" }])).toMatchObject({ state: "ok" });
  });

  it.each([
    ["SECONDARY", {}, /^The record .* of us-east-1 is not the primary of its pair/],
    ["PRIMARY", {}, /^The record .* of us-east-1 has no health check, so nothing watches s3:\/\/control-west\/go\.$/],
    ["PRIMARY", { healthCheck: "hc" }, undefined],
  ] as const)("of a switch are told where the primary is %s, with %j", (role, how, happened) => {
    const other = { set: west, role: role === "PRIMARY" ? "SECONDARY" : "PRIMARY" };
    const found = judge("route53-switch", [{ set: east, role, ...how }, other]);
    if (happened) expect(found).toMatchObject({ state: "broken", happened: expect.stringMatching(happened) });
    else expect(found).toMatchObject({ state: "ok" });
  });

  const third = "eu-west-1";
  const checked = (...sets: string[]) => sets.map((set) => ({ set, healthCheck: `of-${set}` }));
  it.each([
    ["two regions", checked(east, west), controls, undefined],
    ["three regions", checked(east, west, third), { ...controls, [third]: "arn:third" }, undefined],
    [
      "a region of the service without one",
      checked(east, west),
      { [east]: "arn:east", [third]: "arn:third" },
      `The estate names no routing control of basket for ${west}.`,
    ],
    [
      "a third region that has one, and no record",
      checked(east, west),
      { ...controls, [third]: "arn:third" },
      `The zone Z1 has no record with a health check of that name (A) for ${third}.`,
    ],
    [
      "a further record that none stops",
      checked(east, west, "old-blue"),
      controls,
      `The record ${name} whose set identifier is old-blue has no routing control in the estate.`,
    ],
  ])("of routing controls are told as every plan would be blocked: %s", (_what, records, controls, happened) => {
    const found = judge("arc-routing-control", records, { controls });
    if (!happened) expect(found).toMatchObject({ state: "ok" });
    else
      expect(found).toMatchObject({ state: "broken", happened, means: expect.stringMatching(/can(not)? be approved/) });
  });

  it("are set up by a command where an object decides, and by hand where records do", () => {
    expect(judge("route53-switch", [])).toMatchObject({ todo: expect.stringContaining("muster traffic setup basket") });
    expect(judge("route53-failover", [])).toMatchObject({
      todo: `Make a pair of failover records ${name}, each with its region's name as set identifier: PRIMARY where customers are now, SECONDARY in the other region.`,
    });
  });
});

describe("those who answer customers", () => {
  const judgeThem = (answers: PublicAnswer[], isKnown = true) => judgeResolvers({ name }, answers, isKnown);
  const answers = { resolver: "1.1.1.1", values: ["192.0.2.1"] };
  const nothing = { resolver: "8.8.8.8", values: [] };
  const failed = { ...nothing, failed: "queryA ETIMEOUT" };

  it.each([
    ["all answer", [answers], true, "ok", undefined],
    ["one is silent", [answers, failed], true, "broken", "The resolver 8.8.8.8 did not answer: queryA ETIMEOUT."],
    ["all are silent", [failed], true, "broken", "The resolver 8.8.8.8 did not answer: queryA ETIMEOUT."],
    ["one knows nothing", [answers, nothing], true, "broken", `The resolver 8.8.8.8 answers nothing for ${name}.`],
    ["nobody knows the name", [nothing], false, "ok", undefined],
  ] as const)("are judged where %s", (_what, told, isKnown, state, happened) => {
    const said = happened === undefined ? { state } : { state, happened };
    expect(
      judgeThem(
        [...told].map((one) => ({ ...one, values: [...one.values] })),
        isKnown,
      ),
    ).toMatchObject(said);
  });

  it("are none of a private zone", () => {
    expect(noServers({ zone: "Z1", name })).toMatchObject({
      happened: `${name} has no name servers: the zone Z1 is private, or nothing leads to it.`,
    });
  });
});

describe("the look at many records", () => {
  it("tells what it has found at any moment, and may take as long as Route 53's pace takes", async () => {
    const services = Object.fromEntries(
      ["a", "b", "c"].map((letter) => {
        const { service } = estateWith("route53-weighted");
        return [letter, { ...service, traffic: { ...service.traffic, zone: "Z0LAB", name: `${letter}.example.com` } }];
      }),
    );
    const held = Object.values(services).flatMap(({ traffic }) =>
      [east, west].map((region) => ({
        name: traffic.name,
        type: "A",
        ttl: 60,
        values: ["127.0.0.11"],
        setIdentifier: region,
        weight: 100,
        healthCheckId: `of-${region}`,
      })),
    );
    const lab = await openZone({ host: "127.199.41.6", records: held });
    const { clock } = lab;
    const ctx = {
      estate: { regions: [east, west], services },
      clients: { route53: lab.client },
      clock,
      now: () => clock.now(),
      activity: new Activity(),
      point: () => Promise.resolve(),
      redact: (text: string) => text,
      callTimeoutMs: 5000,
      log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    } as unknown as DoctorContext;
    try {
      // Six checks of records, and the zone by itself and its list.
      expect(records.extraMs?.(ctx)).toBe(2000);
      clock.set({ shows: clock.now(), rate: 0.001 });
      const soFar: Finding[] = [];
      const looking = records.look(ctx, soFar);
      // Four requests: the zone by itself and its list, by which each service's records are known, and two checks.
      for (let looks = 0, more = 3; soFar.length < 1 + 3 + 2 && looks < 4000; looks += 1) {
        await setTimeout(5);
        const due = clock.nextDue();
        if (due === undefined || more === 0) continue;
        clock.set({ shows: due, rate: 0.001 });
        more -= 1;
      }
      expect(soFar).toHaveLength(1 + 3 + 2);
      expect(soFar.at(-1)).toMatchObject({
        happened: "Route 53 has no health check of-us-west-2.",
        means:
          "Route 53 refuses every change of a.example.com (us-west-2), and what that record counts as cannot be foretold.",
      });
      clock.set({ shows: clock.now(), rate: 100 });
      expect(await looking).toHaveLength(1 + 3 + 6);
    } finally {
      await lab.close();
    }
  });
});
