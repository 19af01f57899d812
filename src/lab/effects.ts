import { instancesOf, recordOf } from "./estate.ts";
import { countLoginChanges, promotionsOf } from "./postgres-log.ts";
import { ask, type Pair } from "./postgres-pair.ts";
import type { LabRequest } from "./request-log.ts";
import { configMapOf } from "./services.ts";
import { app } from "./shop.ts";

/** Picks the requests that are about one service, each with the effects on that service: a batch may change many. */
export function requestsFor(service: string, requests: readonly LabRequest[]): LabRequest[] {
  const things = [`shop/${service}`, `shop/${configMapOf(service)}`, ...Object.values(instancesOf(service))];
  const isOf = (text: string) => [...things, recordOf(service)].some((thing) => `/${text}`.endsWith(`/${thing}`));
  return requests.flatMap((request) => {
    const effects = request.effects.filter(({ target }) => isOf(target));
    return effects.length > 0 || isOf(request.resource) ? [{ ...request, effects }] : [];
  });
}

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
export function timesByRole({ primary, replica }: Pair): Promise<{ taken: number; given: number }> {
  return countLoginChanges(primary.server, replica.server, app.user);
}

/** Counts how often the replica began to become a writer. */
export const timesPromoted = async ({ replica }: Pair): Promise<number> => (await promotionsOf(replica.server)).length;

/** Counts the rows that a run left at the new writer to prove that it takes writes. */
export async function countCanaries({ replica }: Pair, runId: string): Promise<number> {
  const rows = await ask<{ run: string }>(replica.server, "select run from muster_guard.canary");
  return rows.filter(({ run }) => run === runId).length;
}
