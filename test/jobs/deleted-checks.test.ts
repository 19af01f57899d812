import { describe, expect, it } from "@jest/globals";
import { deleted, type TrafficFacts } from "../../src/facts/traffic/driver.ts";
import { saw } from "./facts.ts";
import { by, east, planOf, west } from "./traffic-facts.ts";

const refused = (region: string): string =>
  `the record of ${region} names a health check that was deleted, and Route 53 refuses every change of such a record: give it one that is there, or none`;

describe("a health check that was deleted", () => {
  it.each(["route53-weighted", "route53-failover"] as const)("blocks %s, whose record is changed", (driver) => {
    const plan = planOf(by(driver, { checks: { [west]: saw(deleted) } }));
    expect(plan.blockers).toEqual([refused(west)]);
    expect(plan.warnings).toContainEqual(expect.stringContaining("us-west-2's record was deleted: nobody can tell"));
  });

  const third = "eu-west-1";
  const shares = (wests: number, thirds: number): Partial<TrafficFacts> => ({
    records: saw({
      [east]: { weight: 100, ttl: 60, values: ["127.0.0.11"] },
      [west]: { weight: wests, ttl: 60, values: ["127.0.0.21"] },
      [third]: { weight: thirds, ttl: 60, values: ["127.0.0.31"], healthCheckId: "gone" },
    }),
    checks: { [third]: saw(deleted) },
  });

  it("is a warning where its record has no share and gets none: that record is left as it is", () => {
    const plan = planOf(by("route53-weighted", shares(0, 0)));
    expect(plan.blockers).toEqual([]);
    expect(plan.warnings).toContainEqual(expect.stringContaining("eu-west-1's record was deleted: nobody can tell"));
  });

  it("blocks where its record has a share, which a move takes away", () => {
    expect(planOf(by("route53-weighted", shares(0, 5))).blockers).toEqual([refused(third)]);
  });
});
