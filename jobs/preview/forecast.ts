import { movesCustomers } from "../moves-customers.ts";
import type { PlanNode } from "../../src/engine/plan.ts";
import { spell } from "../../src/spelling.ts";

/** How long steps usually take, in seconds: what the services say of themselves, and what their delays add up to. */
const typicalSeconds: Record<string, number> = {
  "pause-gitops": 2,
  "pause-old-gitops": 2,
  "point-config": 2,
  "scale-deployment": 30,
  "drain-old-side": 10,
  "fence-writes": 5,
  "catch-up": 5,
  // Replication stops, the instance restarts: minutes, by size.
  "promote-replica": 150,
  // It stays up, and has replayed by then.
  "promote-standby": 3,
  "switch-global-cluster": 90,
  "open-writes": 2,
  "verify-database": 5,
  "restart-pods": 30,
  "await-pods": 10,
  "verify-service": 5,
  // All name servers of a zone usually agree within a minute.
  "shift-dns": 60,
  "swap-records": 60,
  // The check looks three times, every 10 seconds, before it changes its mind.
  "flip-control-object": 45,
  // The endpoints agree within 5 seconds on average and 15 at most; health checks follow.
  "set-routing-controls": 20,
  "verify-public": 10,
};

/** How long the looks at a side that does not answer take before they are given up, in seconds. */
const silentSeconds: Record<string, number> = {
  "pause-old-gitops": 60,
  "drain-old-side": 60,
  "fence-writes": 10,
  "catch-up": 30,
};

/**
 * Forecasts how many seconds pass from the second approval until customers are served again: the longest way through the
 * plan, in which resolvers may keep the old answer for its TTL. People's answers are not in it.
 */
export function forecastSeconds(nodes: readonly PlanNode[], { oldSideSilent, ttlSeconds }: Weather): number {
  const ends = new Map<string, number>();
  for (const { id, step, after } of nodes) {
    const start = Math.max(0, ...after.map((before) => ends.get(before) ?? 0));
    const takes = (oldSideSilent ? silentSeconds[step] : undefined) ?? typicalSeconds[step] ?? 0;
    ends.set(id, start + takes + (movesCustomers(step) ? ttlSeconds : 0));
  }
  const served = nodes.filter(({ step }) => step === "verify-public" || movesCustomers(step));
  return Math.max(0, ...served.map(({ id }) => ends.get(id) ?? 0));
}

/** Writes a forecast as people say it, rounded up: nobody foresees tenths of a minute. */
export const spellForecast = (seconds: number): string =>
  spell(seconds < 120 ? Math.ceil(seconds) : Math.ceil(seconds / 60) * 60);

type Weather = { oldSideSilent: boolean; ttlSeconds: number };
