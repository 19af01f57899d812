import { isDeepStrictEqual } from "node:util";
import type { Context } from "../../context.ts";
import type { Targets } from "../targets.ts";
import { dnsNameOf } from "./control-plane.ts";
import type { TrafficDriver, TrafficFacts } from "./driver.ts";
import { failoverRecords } from "./failover-records.ts";
import { objectSwitch } from "./object-switch.ts";
import { routingControls } from "./routing-controls.ts";
import { weighted } from "./weighted.ts";

/** Every way of sending customers to a region. A new one is a file and a line here. */
export const drivers: readonly TrafficDriver[] = [weighted, failoverRecords, objectSwitch, routingControls];

/** The driver by which facts were made; without a name the weighted records', as in facts of older runs. */
export function driverOf({ driver = weighted.name }: { driver?: TrafficFacts["driver"] }): TrafficDriver {
  const found = drivers.find(({ name }) => name === driver);
  if (!found) throw new Error(`there is no traffic driver ${driver}`);
  return found;
}

/**
 * Looks at the way by which customers of a service are sent to a region. With `before`, looks again only at where they are
 * sent, unless the estate names another way by now.
 */
export function lookAtTraffic(ctx: Context, targets: Targets, before?: TrafficFacts): Promise<TrafficFacts> {
  const { traffic } = targets.service;
  const driver = driverOf(traffic);
  const isSame = before && driverOf(before) === driver && isDeepStrictEqual(before.name, dnsNameOf(traffic));
  return driver.look(ctx, targets, traffic, isSame ? before : undefined);
}

/** Whether the traffic of many services like this one is looked at best in one moment, because they share what is asked. */
export const looksTogether = ({ service: { traffic } }: Targets): boolean => driverOf(traffic).looksTogether === true;
