import { objectHost } from "../adapters/s3.ts";
import type { ZoneRecord } from "./dns-answers.ts";
import { control, east, type LabRegion, type LabTraffic, record, recordTtl, routingControls, west } from "./estate.ts";
import type { HealthCheckConfig, HealthChecks } from "./health-checks.ts";
import type { Bucket } from "./s3-objects.ts";

/** The buckets of a lab: one, in the region that stands by. */
export const labBuckets = (): Bucket[] => [
  { name: control.bucket, region: control.region, isPublic: true, objects: new Map() },
];

/** The check that follows the control object, as Muster would set it up. */
export const controlCheck: HealthCheckConfig = {
  type: "HTTPS",
  host: objectHost(control),
  port: 443,
  path: `/${control.key}`,
  intervalSeconds: 10,
  failureThreshold: 3,
  inverted: true,
  disabled: false,
};

/** The records of the lab's service for a driver, with the health checks they have had for a long time. */
export function recordsFor(
  driver: LabTraffic,
  { addressOf, health }: { addressOf: Record<string, string>; health: HealthChecks },
): ZoneRecord[] {
  const pair = [east, west].map((region) => ({
    name: `${record}.`,
    type: "A",
    ttl: recordTtl,
    values: [addressOf[region] ?? ""],
    setIdentifier: region,
  }));
  if (driver === "route53-weighted") {
    return pair.map((each) => ({ ...each, weight: each.setIdentifier === east ? 100 : 0 }));
  }
  const checks = checksFor(driver, health);
  return pair.map((each) => {
    const healthCheckId = checks[each.setIdentifier];
    const failover = each.setIdentifier === east ? ("PRIMARY" as const) : ("SECONDARY" as const);
    return { ...each, failover, ...(healthCheckId ? { healthCheckId } : {}) };
  });
}

/** By region, the checks of a driver's records. */
function checksFor(driver: LabTraffic, health: HealthChecks): Record<string, string> {
  if (driver === "route53-switch") return { [east]: checkOfOld(health) };
  if (driver !== "arc-routing-control") return {};
  return Object.fromEntries(([east, west] as const).map((region) => [region, checkOfControl(health, region)]));
}

/** A check that has followed its routing control for long: the east's is On. */
function checkOfControl(health: HealthChecks, region: LabRegion): string {
  const check = health.create(`made long ago for ${region}`, {
    type: "RECOVERY_CONTROL",
    routingControl: routingControls[region],
    // Nobody looks at an endpoint: these two are what Route 53 says where nothing else is said.
    intervalSeconds: 30,
    failureThreshold: 1,
    inverted: false,
    disabled: false,
  });
  check.endpointOk = region === east;
  return check.id;
}

/** A check that has looked for long: the object is not there, which is what an inverted one calls healthy. */
function checkOfOld(health: HealthChecks): string {
  const check = health.create("made long ago", controlCheck);
  check.endpointOk = false;
  return check.id;
}
