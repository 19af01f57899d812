import { describe, expect, it } from "@jest/globals";
import type { Traffic } from "../../src/estate.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import { deleted, type CheckSeen, type TrafficFacts } from "../../src/facts/traffic/driver.ts";
import { driverOf, drivers } from "../../src/facts/traffic/index.ts";
import { eastDead, front, healthy, saw, sawNothing } from "./facts.ts";
import {
  all,
  by,
  checked,
  control,
  dnsOf,
  east,
  follows,
  pair,
  planOf,
  routing,
  rowsOf,
  west,
} from "./traffic-facts.ts";

describe.each(drivers.map((driver) => [driver.name, driver] as const))("the driver %s", (name) => {
  const facts = by(name);

  it("tells where customers are sent, and can move them", () => {
    expect(planOf(facts).blockers).toEqual([]);
    expect(rowsOf(facts).find(({ label }) => label === "DNS now")?.value).toBe(
      "checkout.example.com: us-east-1: 100, us-west-2: 0, TTL 60 s",
    );
  });

  it("moves them with one step, after the new region was checked and before customers' way is", () => {
    const steps = planOf(facts).nodes.map(({ step }) => step);
    const [before, move, after] = steps.slice(steps.indexOf("verify-service"));
    expect([before, after]).toEqual(["verify-service", "verify-public"]);
    expect(["shift-dns", "swap-records", "flip-control-object", "set-routing-controls"]).toContain(move);
  });

  it("says what it depends on, in a row and in a warning", () => {
    const row = rowsOf(facts).find(({ label }) => label.startsWith("Depends on"));
    const good = { label: "Depends on us-east-1", value: expect.stringContaining("nothing: "), tone: "good" };
    const bad = {
      label: "Depends on us-east-1",
      value: expect.stringContaining("Route 53's control plane"),
      tone: "bad",
    };
    expect(row).toEqual(name === "route53-switch" || name === "arc-routing-control" ? good : bad);
    expect(planOf(facts).warnings.at(-1)).toMatch(
      /control plane, which is in us-east-1\.$|^Customers stay in us-west-2|no control plane is needed/,
    );
  });

  it("warns of a TTL that eats up the objective, and only then", () => {
    const tight = { ...facts, objectives: { ...facts.objectives, rtoSeconds: 120 } };
    const sentence =
      "Resolvers may keep the old answer for 60 seconds (the records' TTL); the objective is 120 seconds in all.";
    expect(planOf(tight).warnings).toContain(sentence);
    expect(planOf(facts).warnings.join()).not.toContain("Resolvers may keep");
  });
});

describe("the traps of Route 53", () => {
  const weightedWith = (region: string, change: Partial<CheckSeen> = {}): FailoverFacts => {
    const plain = dnsOf["route53-weighted"].records as { at: string; seen: Record<string, object> };
    const records = saw({ ...plain.seen, [region]: { ...plain.seen[region], healthCheckId: region } }) as never;
    return by("route53-weighted", { records, checks: { [region]: saw(checked(region, change)) } });
  };
  const swapped = (change: Partial<CheckSeen> = {}): FailoverFacts =>
    by("route53-failover", {
      records: saw({ ...pair, [west]: { ...pair[west], healthCheckId: "west" } }),
      checks: { [west]: saw(checked("west", change)) },
    });

  /** An alias whose target Route 53 looks at, instead of a check. */
  const aliased = (driver: Traffic["driver"], region = west): FailoverFacts => {
    const plain = dnsOf[driver].records as { at: string; seen: Record<string, object> };
    const alias = { zone: "Z1", name: "door.elb.example.com", evaluateTargetHealth: true };
    return by(driver, { records: saw({ ...plain.seen, [region]: { ...plain.seen[region], alias } }) as never });
  };

  it.each([
    [
      "auto-admit, by weights",
      weightedWith(east),
      /^When the health check of us-east-1's record turns red, .* sends customers to us-west-2 by itself, before it takes writes\.$/,
    ],
    ["auto-admit, by a pair", by("route53-failover"), /^When the health check of us-east-1's record turns red/],
    [
      "a disabled check",
      weightedWith(west, { disabled: true }),
      /^The health check of us-west-2's record is disabled: Route 53 takes it for healthy, whatever happens there\.$/,
    ],
    [
      "both red",
      swapped({ healthy: false }),
      /^The health check of us-west-2's record is red now\. As long as it is, Route 53 may go on answering us-east-1/,
    ],
    [
      "being sent back",
      swapped(),
      /^From then on, whenever .* Route 53 sends customers back to us-east-1, which takes no writes\.$/,
    ],
    [
      "being sent back to a weight of 0",
      weightedWith(west),
      /^From then on, whenever the health check of us-west-2's record is red, Route 53 sends customers back to us-east-1, which takes no writes\.$/,
    ],
    [
      "being sent back while the old side is green",
      swapped(),
      /^From then on, whenever the health check of us-west-2's record is red and us-east-1's is not, Route 53 sends customers back/,
    ],
    [
      "being sent back by an alias's target, by weights",
      aliased("route53-weighted"),
      /^From then on, whenever the target of us-west-2's alias record is red, Route 53 sends customers back to us-east-1/,
    ],
    [
      "being sent back by an alias's target, by a pair",
      aliased("route53-failover"),
      /^From then on, whenever the target of us-west-2's alias record is red and us-east-1's is not, /,
    ],
    [
      "auto-admit by an alias's target, with a switch",
      aliased("route53-switch", east),
      /^When the target of us-east-1's alias record turns red, .* sends customers to us-west-2 by itself/,
    ],
    [
      "being sent back by an alias's target, with a switch",
      aliased("route53-switch"),
      /^From then on, whenever the target of us-west-2's alias record is red, Route 53 sends customers back to us-east-1/,
    ],
    [
      "being sent back by an alias's target, with a routing control",
      aliased("arc-routing-control"),
      /^From then on, whenever the target of us-west-2's alias record is red, Route 53 sends customers back to us-east-1/,
    ],
    [
      "a new primary that nobody checks",
      by("route53-failover"),
      /^us-west-2's record has no health check: once it is the primary, .* never moves customers away by itself\.$/,
    ],
    [
      "a check nobody could look at",
      by("route53-switch", { checks: { [east]: sawNothing("Route 53: Rate exceeded") } }),
      /^The health check of us-east-1's record could not be looked at: Route 53: Rate exceeded\.$/,
    ],
    [
      "addresses that nobody looks at",
      by("route53-switch", { otherTypes: ["AAAA"] }),
      /has AAAA records too, .* by IPv6 is moved only where they have the same roles and health checks\.$/,
    ],
    [
      "a calculated check",
      by("route53-switch", { checks: { [east]: saw(checked("east", { type: "CALCULATED" })) } }),
      /is calculated from others: Muster cannot tell whether the object alone decides/,
    ],
    [
      "a control plane that is away",
      by("route53-switch", { records: sawNothing("Route 53 does not answer"), checks: {} }),
      /^Route 53's control plane cannot be asked .* The move does not need it\.$/,
    ],
  ])("%s is told in plain words", (_name, facts, sentence) => {
    expect(planOf(facts).warnings).toContainEqual(expect.stringMatching(sentence));
    expect(planOf(facts).blockers).toEqual([]);
  });

  it.each(["route53-weighted", "route53-failover"] as const)("block %s in a private zone", (driver) => {
    const zone = saw({ name: "example.com", nameServers: [] });
    expect(planOf(by(driver, { zone })).blockers).toEqual([expect.stringMatching(/^the zone Z0LAB is private: /)]);
  });

  it.each(["route53-weighted", "route53-failover"] as const)("block %s with addresses that nobody moves", (driver) => {
    expect(planOf(by(driver, { otherTypes: ["AAAA"] })).blockers).toEqual([
      "checkout.example.com has AAAA records too, which Muster does not move: whoever comes by IPv6 would stay where they lead; keep the A records alone",
    ]);
    // Where nobody is served, some customers are better than none.
    const away = planOf({ ...by(driver, { otherTypes: ["AAAA"] }), probes: eastDead.probes });
    expect(away.blockers).toEqual([]);
    expect(away.warnings).toContainEqual(expect.stringMatching(/by IPv6 would stay where they lead\.$/));
  });

  it("are not of a missing check where the new primary has one", () => {
    expect(planOf(swapped()).warnings.join()).not.toContain("has no health check");
  });

  it("are not of being sent back where the check is disabled, nor to a side that was not fenced", () => {
    expect(planOf(weightedWith(west, { disabled: true })).warnings.join()).not.toContain("customers back");
    const { dns } = weightedWith(west);
    const without = driverOf(dns).traps({ ...front, dns });
    expect(without.join()).not.toContain("customers back");
  });

  it("are not of auto-admit where a control keeps the new region red: Route 53 answers the primary then", () => {
    const primary = aliased("arc-routing-control", east);
    expect(planOf(primary).warnings.join()).not.toContain("by itself");
    const bothOn = all({ [east]: "On", [west]: "On" });
    const admits = { ...primary, dns: { ...primary.dns, ...routing({ readings: bothOn }) } };
    expect(planOf(admits).warnings.join()).toContain("sends customers to us-west-2 by itself");
  });

  it("are not of being sent back from a primary whose control is On to a side whose control is Off", () => {
    const { dns } = aliased("arc-routing-control", east);
    const back = { ...by("arc-routing-control"), fromRegion: west, toRegion: east, dns };
    expect(driverOf(dns).traps(back).join()).not.toContain("customers back");
  });

  it("are none where weighted records have no health check: nobody but Muster is to move customers", () => {
    expect(planOf(by("route53-weighted")).warnings).toEqual([
      "The records of checkout.example.com are changed through Route 53's control plane, which is in us-east-1.",
    ]);
  });

  it.each([
    [
      "no check",
      { records: saw({ ...pair, [east]: { role: "PRIMARY", values: ["127.0.0.11"] } }) },
      /does not follow the object: there is none;/,
    ],
    ["a check that was deleted", { checks: { [east]: saw(deleted) } }, /does not follow the object: there is none;/],
    [
      "a check of something else",
      { checks: { [east]: saw(checked("east")) } },
      /it watches east\.example\.com\/health;/,
    ],
    [
      "a check that is not inverted",
      { checks: { [east]: saw(checked("east", { ...follows, inverted: false })) } },
      /it is not inverted/,
    ],
    [
      "a check that is disabled",
      { checks: { [east]: saw(checked("east", { ...follows, disabled: true })) } },
      /it is disabled/,
    ],
    [
      "weighted records",
      { records: healthy.dns.records },
      /no failover records in the zone Z0LAB with us-east-1 as primary/,
    ],
    [
      "an object nobody can see",
      control({ found: sawNothing("S3 does not answer") }),
      /^s3:\/\/control-west\/go-west cannot be seen/,
    ],
    [
      "a pair between other regions",
      control({ primary: "eu-west-1" }),
      /between eu-west-1 and us-west-2 only, not us-east-1/,
    ],
    [
      "name servers nobody finds",
      { zone: sawNothing("the resolver does not answer") },
      /^the name servers of checkout\.example\.com cannot be found/,
    ],
  ] as [string, Partial<TrafficFacts>, RegExp][])("block a switch with %s", (_name, change, sentence) => {
    const plan = planOf(by("route53-switch", change));
    expect(plan.blockers).toContainEqual(expect.stringMatching(sentence));
    expect(plan.nodes).toEqual([]);
  });
});

describe("a way back by the object", () => {
  const back: FailoverFacts = {
    ...by("route53-switch", control({ found: saw({ isThere: true }), expected: ["127.0.0.11"] })),
    toRegion: east,
    fromRegion: west,
  };
  const driver = driverOf({ driver: "route53-switch" });

  it("depends on the region being left, and says so in red", () => {
    expect(driver.shares(back.dns)).toEqual({ [east]: 0, [west]: 100 });
    expect(driver.dependence(back)).toMatchObject({
      region: west,
      tone: "bad",
      value: expect.stringContaining("deleted"),
    });
  });

  it("finds nothing wrong with a primary that is red because the object is there", () => {
    const red = { ...back.dns, checks: { [east]: saw(checked("east", { ...follows, healthy: false })) } };
    expect(driver.traps({ ...back, dns: red })).toEqual([]);
  });

  it("can begin while that region is dead: the silence moves customers, and the object must go before it is back", () => {
    const dead = { ...back, dns: { ...back.dns, ...control({ found: sawNothing("S3 does not answer") }) } };
    expect(driver.blockers(dead)).toEqual([]);
    expect(driver.traps(dead)).toContainEqual(
      expect.stringMatching(/answers us-east-1 by itself; it has to be deleted before/),
    );
  });
});
