import type { RegionRecords } from "../../adapters/route53.ts";
import type { ControlStates } from "../../adapters/routing-controls.ts";
import type { Shares } from "./driver.ts";

/**
 * Tells where Route 53 sends customers by the states of routing controls: healthy is whose control is On, and with none On
 * all count as healthy. Undefined where that hangs on records that nobody saw, or the endpoints are at odds. Pure.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/health-checks-how-route-53-chooses-records.html
 */
export function sharesByStates(states: ControlStates, records: RegionRecords | undefined): Shares | undefined {
  const regions = Object.keys(states);
  const on = regions.filter((region) => states[region] === "On");
  const [only] = on;
  if (only !== undefined && on.length === 1) return everybodyTo(only, regions);
  if (!records || regions.length === 0) return undefined;
  const healthy = on.length > 0 ? on : regions;
  const primary = healthy.find((region) => records[region]?.role === "PRIMARY");
  if (primary !== undefined) return everybodyTo(primary, regions);
  const weights = regions.map((region) => [region, healthy.includes(region) ? (records[region]?.weight ?? 0) : 0]);
  return Object.fromEntries(weights) as Shares;
}

const everybodyTo = (served: string, regions: readonly string[]): Shares =>
  Object.fromEntries(regions.map((region) => [region, region === served ? 100 : 0]));
