import { failover } from "../../jobs/failover.ts";
import type { ControlStates } from "../../src/adapters/routing-controls.ts";
import type { Traffic } from "../../src/estate.ts";
import type { Fact } from "../../src/facts/fact.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import type { CheckSeen, TrafficFacts } from "../../src/facts/traffic/driver.ts";
import { routingControls } from "../../src/lab/estate.ts";
import { clusterRegions } from "../../src/lab/recovery-cluster.ts";
import { estate, healthy, saw } from "./facts.ts";

export const east = "us-east-1";
export const west = "us-west-2";
const object = { region: west, bucket: "control-west", key: "go-west" };
export const planOf = (facts: FailoverFacts) =>
  failover.plan(estate, { toRegion: facts.toRegion, service: "checkout" }, facts);
export const rowsOf = (facts: FailoverFacts) => failover.preview(planOf(facts), facts).rows;

/** A check of a region's front door, unless told otherwise. */
export const checked = (id: string, change: Partial<CheckSeen> = {}): CheckSeen => ({
  id,
  type: "HTTPS",
  inverted: false,
  disabled: false,
  intervalSeconds: 10,
  failureThreshold: 3,
  host: `${id}.example.com`,
  path: "/health",
  healthy: true,
  ...change,
});
export const follows = { host: "control-west.s3.us-west-2.amazonaws.com", path: "/go-west", inverted: true };

export const switched = (region: typeof east | typeof west, change: Partial<CheckSeen> = {}): CheckSeen => {
  const { host: _host, path: _path, healthy: _healthy, ...check } = checked(region);
  return { ...check, type: "RECOVERY_CONTROL", routingControl: routingControls[region], ...change };
};
const endpoints = clusterRegions.map((region) => ({ region, url: `https://${region}.example.com/v1` }));
export const atFirst: ControlStates = { [east]: "On", [west]: "Off" };
/** What every endpoint tells, but for those that are named. */
export const all = (
  states: ControlStates,
  others: Record<string, Fact<ControlStates>> = {},
): Record<string, Fact<ControlStates>> => ({
  ...Object.fromEntries(clusterRegions.map((region) => [region, saw(states)])),
  ...others,
});

const values = { [east]: ["127.0.0.11"], [west]: ["127.0.0.21"] } as const;
export const pair = {
  [east]: { role: "PRIMARY" as const, ttl: 60, values: [...values[east]], healthCheckId: "east" },
  [west]: { role: "SECONDARY" as const, ttl: 60, values: [...values[west]] },
};

export const dnsOf: Record<Traffic["driver"], TrafficFacts> = {
  "route53-weighted": { ...healthy.dns, driver: "route53-weighted" },
  "route53-failover": { ...healthy.dns, driver: "route53-failover", records: saw(pair), checks: {} },
  "route53-switch": {
    ...healthy.dns,
    driver: "route53-switch",
    records: saw(pair),
    checks: { [east]: saw(checked("east", follows)) },
    control: { object, primary: east, found: saw({ isThere: false }), expected: ["127.0.0.21"] },
  },
  "arc-routing-control": {
    ...healthy.dns,
    driver: "arc-routing-control",
    records: saw({ ...pair, [west]: { ...pair[west], healthCheckId: "west" } }),
    checks: { [east]: saw(switched(east)), [west]: saw(switched(west)) },
    routing: { endpoints, controls: routingControls, readings: all(atFirst), expected: ["127.0.0.21"] },
  },
};
export const routing = (change: object) => ({
  routing: { ...dnsOf["arc-routing-control"].routing, ...change } as never,
});
export const by = (driver: Traffic["driver"], change: Partial<TrafficFacts> = {}): FailoverFacts => ({
  ...healthy,
  dns: { ...dnsOf[driver], ...change },
});
export const control = (change: object) => ({ control: { ...dnsOf["route53-switch"].control, ...change } as never });
