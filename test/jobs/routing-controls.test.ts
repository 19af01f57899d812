import { describe, expect, it } from "@jest/globals";
import type { ControlStates } from "../../src/adapters/routing-controls.ts";
import type { Fact } from "../../src/facts/fact.ts";
import { deleted, type CheckSeen, type TrafficFacts } from "../../src/facts/traffic/driver.ts";
import { driverOf } from "../../src/facts/traffic/index.ts";
import { routingControls } from "../../src/lab/estate.ts";
import { clusterRegions } from "../../src/lab/recovery-cluster.ts";
import { saw, sawNothing } from "./facts.ts";
import { all, atFirst, by, checked, dnsOf, east, pair, planOf, routing, switched, west } from "./traffic-facts.ts";

describe("routing controls", () => {
  const driver = driverOf({ driver: "arc-routing-control" });
  const sharesWith = (states: ControlStates, change: Partial<TrafficFacts> = {}) =>
    driver.shares({ ...dnsOf["arc-routing-control"], ...routing({ readings: all(states) }), ...change });
  const plain = { [east]: { weight: 70, values: [] }, [west]: { weight: 30, values: [] } };
  const unseen = sawNothing("Route 53 does not answer");

  it.each([
    ["one On", { [east]: "Off", [west]: "On" }, {}, { [east]: 0, [west]: 100 }],
    [
      "one On, and nobody sees the records",
      { [east]: "On", [west]: "Off" },
      { records: unseen },
      { [east]: 100, [west]: 0 },
    ],
    ["both On, in a pair", { [east]: "On", [west]: "On" }, {}, { [east]: 100, [west]: 0 }],
    ["both Off, in a pair", { [east]: "Off", [west]: "Off" }, {}, { [east]: 100, [west]: 0 }],
    ["both On, with weights", { [east]: "On", [west]: "On" }, { records: saw(plain) }, { [east]: 70, [west]: 30 }],
    ["both On, and nobody sees the records", { [east]: "On", [west]: "On" }, { records: unseen }, undefined],
  ] as [string, ControlStates, Partial<TrafficFacts>, unknown][])(
    "send customers where Route 53 would, with %s",
    (_name, states, change, shares) => {
      expect(sharesWith(states, change)).toEqual(shares);
    },
  );

  const none = Object.fromEntries(
    clusterRegions.map((region) => [region, sawNothing(`the endpoint in ${region} does not answer`)]),
  );
  const checks = (change: Partial<CheckSeen>) => ({
    checks: { ...dnsOf["arc-routing-control"].checks, [east]: saw(switched(east, change)) },
  });
  it.each([
    [
      "no endpoint that answers",
      routing({ readings: none }),
      /^no endpoint of the recovery cluster can be used, .*: the endpoint in us-east-1 does not answer; /,
    ],
    [
      "no control for a region",
      routing({ controls: { [east]: routingControls[east] } }),
      /^the estate names no routing control of checkout for us-west-2$/,
    ],
    [
      "a record without a check",
      { records: saw(pair) },
      /^the health check of us-west-2's record does not follow its routing control: there is none$/,
    ],
    [
      "a record that is missing",
      { records: saw({ [east]: pair[east] }) },
      /has no A record checkout\.example\.com whose set identifier is us-west-2$/,
    ],
    [
      "a record that no control stops",
      { records: saw({ ...pair, [west]: { ...pair[west], healthCheckId: "west" }, "eu-west-1": { values: [] } }) },
      /whose set identifier is eu-west-1 has no routing control in the estate/,
    ],
    ["a check that was deleted", { checks: { [east]: saw(deleted) } }, /us-east-1's record .*: there is none$/],
    ["a check of an endpoint", { checks: { [east]: saw(checked("east")) } }, /it is of type HTTPS$/],
    ["a check of another control", checks({ routingControl: "arn:other" }), /it follows arn:other$/],
    ["a check that is disabled", checks({ disabled: true }), /it is disabled$/],
    ["a check that is inverted", checks({ inverted: true }), /it is inverted, so that Off sends customers there$/],
    [
      "name servers nobody finds",
      { zone: sawNothing("the resolver is silent") },
      /^the name servers of checkout\.example\.com cannot be found/,
    ],
  ] as [string, Partial<TrafficFacts>, RegExp][])("block a move with %s", (_name, change, sentence) => {
    const plan = planOf(by("arc-routing-control", change));
    expect(plan.blockers).toContainEqual(expect.stringMatching(sentence));
    expect(plan.nodes).toEqual([]);
  });

  const two = { [east]: none[east], "eu-west-1": none["eu-west-1"] } as Record<string, Fact<ControlStates>>;
  it.each([
    [
      "two silent endpoints",
      routing({ readings: all(atFirst, two) }),
      /^3 of 5 endpoints of the recovery cluster answer: the endpoint in us-east-1 does not answer; the endpoint in eu-west-1 does not answer\.$/,
    ],
    [
      "three silent endpoints",
      routing({ readings: all(atFirst, { ...two, [west]: none[west] as Fact<ControlStates> }) }),
      /^2 of 5 .* takes a change only while 3 of its endpoints can agree on it\.$/,
    ],
    [
      "endpoints at odds",
      routing({ readings: all(atFirst, { [west]: saw({ [east]: "On", [west]: "On" } as const) }) }),
      /at odds about the routing control of us-west-2: somebody changed it/,
    ],
    [
      "every control Off",
      routing({ readings: all({ [east]: "Off", [west]: "Off" }) }),
      /^Every routing control is Off: /,
    ],
    [
      "a calculated check",
      checks({ type: "CALCULATED" }),
      /us-east-1's record is calculated from others: Muster cannot tell whether the routing control/,
    ],
    [
      "a control plane that is away",
      { records: unseen, checks: {} },
      /^Route 53's control plane cannot be asked .* The move does not need it\.$/,
    ],
  ] as [string, Partial<TrafficFacts>, RegExp][])(
    "can move customers, with a warning of %s",
    (_name, change, sentence) => {
      const plan = planOf(by("arc-routing-control", change));
      expect(plan.blockers).toEqual([]);
      expect(plan.warnings).toContainEqual(expect.stringMatching(sentence));
    },
  );

  it("warn of nothing where all is well, but say what they stand on", () => {
    expect(planOf(by("arc-routing-control")).warnings).toEqual([
      "Customers are moved by routing controls, and no control plane is needed for that: 5 of the 5 endpoints of the recovery cluster answer, and one that 3 agree with is enough.",
    ]);
  });
});
