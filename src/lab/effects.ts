import { countLoginChanges } from "./postgres-log.ts";
import type { Pair } from "./postgres-pair.ts";
import type { LabRequest } from "./request-log.ts";
import { app } from "./shop.ts";

/** Counts how often each change took hold at its target: "kubernetes:us-west-2/shop/checkout replicas=3" to times. */
export function timesByChange(requests: readonly LabRequest[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const { effects } of requests) {
    for (const { target, wanted } of effects) {
      const change = `${target} ${wanted}`;
      times.set(change, (times.get(change) ?? 0) + 1);
    }
  }
  return times;
}

/** Counts how often the application's right to log in was taken at the old writer and given at the new one. */
export async function timesByRole({ primary, replica }: Pair): Promise<{ taken: number; given: number }> {
  const [old, current] = await Promise.all([
    countLoginChanges(primary.server, app.user),
    countLoginChanges(replica.server, app.user),
  ]);
  return { taken: old.taken, given: current.given };
}
