import { describe, expect, it } from "@jest/globals";
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from "kysely";
import { Activity } from "../../src/activity.ts";
import { Clock } from "../../src/clock.ts";
import type { Context } from "../../src/context.ts";
import type { Traffic } from "../../src/estate.ts";
import { seen } from "../../src/facts/fact.ts";
import { lookAtRegionClaims } from "../../src/facts/region.ts";
import { targetsOf } from "../../src/facts/targets.ts";
import { deleted, type TrafficFacts } from "../../src/facts/traffic/driver.ts";
import { driverOf, lookAtTraffic } from "../../src/facts/traffic/index.ts";
import { estate, healthy, saw } from "../jobs/facts.ts";
import { dnsOf, east, follows, checked, switched, west } from "../jobs/traffic-facts.ts";

type Drivers = "route53-weighted" | "route53-failover";
/** Of each region: how its check is; undefined where no checker has told. */
type Healths = Record<typeof east | typeof west, boolean | undefined>;
type Settings = { Inverted?: boolean; Disabled?: boolean };

/** A service with a pair of checked records at a Route 53 that counts what it is asked. */
function openZone(driver: Drivers) {
  const world = {
    healths: { [east]: true, [west]: true } as Healths,
    settings: {} as Settings,
    ids: { [east]: "check-east", [west]: "check-west" } as Record<string, string | undefined>,
    primary: east,
    /** No status is told to anybody. */
    isSilent: false,
  };
  const asked: string[] = [];
  const answers: Record<string, (id: string) => object> = {
    ListResourceRecordSetsCommand: () => ({
      ResourceRecordSets: [east, west].map((region) => ({
        Name: "checkout.example.com.",
        Type: "A",
        SetIdentifier: region,
        ...(driver === "route53-weighted"
          ? { Weight: region === world.primary ? 100 : 0 }
          : { Failover: region === world.primary ? "PRIMARY" : "SECONDARY" }),
        TTL: 60,
        ResourceRecords: [{ Value: "192.0.2.1" }],
        ...(world.ids[region] ? { HealthCheckId: world.ids[region] } : {}),
      })),
      IsTruncated: false,
    }),
    GetHostedZoneCommand: () => ({ HostedZone: { Name: "example.com." }, DelegationSet: { NameServers: ["ns-1"] } }),
    GetHealthCheckCommand: () => ({ HealthCheck: { HealthCheckConfig: { Type: "HTTPS", ...world.settings } } }),
    GetHealthCheckStatusCommand: (id) => {
      if (world.isSilent) throw new Error("nobody tells");
      const healthy = world.healths[id.includes("east") ? east : west];
      const status = { StatusReport: { Status: healthy ? "Success: 200" : "Failure: 503" } };
      return { HealthCheckObservations: healthy === undefined ? [] : [status] };
    },
  };
  const send = (command: { constructor: { name: string }; input: { HealthCheckId?: string } }) => {
    const { name } = command.constructor;
    asked.push(name.replace("Command", ""));
    const answer = answers[name];
    return Promise.resolve().then(() => answer?.(command.input.HealthCheckId ?? ""));
  };
  const clock = new Clock({ shows: new Date("2026-11-23T03:00:00Z"), rate: 1000 });
  const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  const ctx = {
    clock,
    now: () => clock.now(),
    activity: new Activity(),
    point: () => Promise.resolve(),
    callTimeoutMs: 20_000,
    log,
    redact: (text: string) => text,
    clients: { route53: { send } },
  } as unknown as Context;
  const name = { zone: "Z1", name: "checkout.example.com", type: "A" as const, ttl: 60 };
  const targets = targetsOf(estate, "checkout", west);
  const traffic: Traffic = { driver, ...name };
  const look = async (before?: TrafficFacts) => {
    const from = asked.length;
    const dns = await lookAtTraffic(ctx, { ...targets, service: { ...targets.service, traffic } }, before);
    return { dns, asked: asked.slice(from), shares: driverOf(dns).shares(dns) };
  };
  return { world, look, ctx, asked };
}

/** A database of Muster's own that knows nothing. */
const emptyDb = new Kysely<never>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

const told = [true, false, undefined];
const everyHealth: Healths[] = told.flatMap((easts) => told.map((wests) => ({ [east]: easts, [west]: wests })));

describe("the look at traffic after the second approval", () => {
  it("asks for weights alone, whatever checks their records have: a hundred services would wait a hundred seconds", async () => {
    const { world, look } = openZone("route53-weighted");
    const { dns: before, asked } = await look();
    expect(asked.filter((action) => action.startsWith("GetHealthCheck"))).toHaveLength(4);
    Object.assign(world, { primary: west });
    const again = await look(before);
    expect(again.asked).toEqual(["ListResourceRecordSets"]);
    expect(again.shares).toEqual({ [east]: 0, [west]: 100 });
    expect(again.dns).toMatchObject({ checks: before.checks, zone: before.zone });
  });

  it("reads one list for all services of a region, also for those whose databases are looked at a few at a time", async () => {
    const { ctx, asked } = openZone("route53-weighted");
    const { checkout } = estate.services;
    if (!checkout) throw new Error("the lab's estate has no checkout");
    const names = Array.from({ length: 100 }, (_one, index) => `checkout-${index}`);
    const services = Object.fromEntries(names.map((name) => [name, checkout]));
    const before = Object.fromEntries(names.map((name) => [name, { ...healthy, service: name }]));
    const region = { ...ctx, db: emptyDb as never, estate: { ...estate, services } };
    const { services: seenAgain } = await lookAtRegionClaims(region, { toRegion: west, names }, before);
    expect(Object.keys(seenAgain)).toHaveLength(names.length);
    // The first who asks has one of its own.
    expect(asked.filter((action) => action === "ListResourceRecordSets")).toHaveLength(2);
  });

  it("asks for the primary's status of a failover pair, and for nothing more while it is as it was", async () => {
    const { look } = openZone("route53-failover");
    const { dns: before } = await look();
    const again = await look(before);
    expect(again.asked).toEqual(["ListResourceRecordSets", "GetHealthCheckStatus"]);
    expect(again.dns.checks).toEqual(before.checks);
  });

  it.each(everyHealth)("sees where a pair leads as a whole look does, from %p", async (first) => {
    const { world, look } = openZone("route53-failover");
    world.healths = first;
    const { dns: before } = await look();
    for (const next of everyHealth) {
      for (const primary of [east, west]) {
        Object.assign(world, { healths: next, primary });
        expect([next, primary, (await look(before)).shares]).toEqual([next, primary, (await look()).shares]);
      }
    }
  });

  it("looks at all of a check that is another now, or is gone, or decided nothing", async () => {
    const { world, look } = openZone("route53-failover");
    world.settings = { Disabled: true };
    const disabled = await look();
    Object.assign(world, { settings: {}, healths: { [east]: false, [west]: true } });
    expect((await look(disabled.dns)).shares).toEqual({ [east]: 0, [west]: 100 });
    const { dns: red } = await look();
    Object.assign(world, { ids: { [east]: "other-east", [west]: "check-west" }, settings: { Inverted: true } });
    expect((await look(red)).shares).toEqual({ [east]: 100, [west]: 0 });
    Object.assign(world, { ids: { [west]: "check-west" }, settings: {} });
    const unchecked = await look(red);
    expect(unchecked.shares).toEqual({ [east]: 100, [west]: 0 });
    expect(Object.keys(unchecked.dns.checks ?? {})).toEqual([west]);
  });

  it("takes a pair for what it was where nobody tells its status: that breaks no claim", async () => {
    const { world, look } = openZone("route53-failover");
    world.healths = { [east]: false, [west]: true };
    const { dns: before } = await look();
    world.isSilent = true;
    expect((await look(before)).shares).toEqual({ [east]: 0, [west]: 100 });
  });

  it("looks at everything where the estate names another record by now", async () => {
    const { look } = openZone("route53-weighted");
    const { dns: before } = await look();
    const { asked } = await look({ ...before, name: { ...before.name, name: "other.example.com" } });
    expect(asked).toContain("GetHealthCheck");
  });

  it.each(["route53-weighted", "route53-switch", "arc-routing-control"] as const)(
    "of %s needs no check: where it sends customers hangs on none",
    (driver) => {
      const facts = dnsOf[driver];
      const shares = driverOf(facts).shares(facts);
      expect(seen(facts.records)).toBeDefined();
      const checks = [deleted, checked("east", { healthy: false }), checked("east", follows), switched(east)] as const;
      for (const check of checks)
        expect(driverOf(facts).shares({ ...facts, checks: { [east]: saw(check), [west]: saw(check) } })).toEqual(
          shares,
        );
    },
  );
});
