import { objectives, type Estate, type Service } from "../src/estate.ts";

/** The last moment each wave may be back, in seconds: the tiers' own objectives, and whatever has longer. */
const wavesEndAt = [3600, 4 * 3600, 24 * 3600, Infinity];

/**
 * Groups services into waves: those that must be back soonest go first. What counts is a service's own objective, which
 * wins over its tier's; and what it needs never comes after it: a plain service that a critical one depends on is critical.
 * Services of a wave go side by side, in the order of their names. Pure; dependencies have no cycle (the estate sees to that).
 */
export function wavesOf(services: Estate["services"], moving: readonly string[]): string[][] {
  const soonest = soonestOf(services);
  const waves = Map.groupBy(
    moving.toSorted((left, right) => (left < right ? -1 : 1)),
    (name) => wavesEndAt.findIndex((endsAt) => soonest(name) <= endsAt),
  );
  return wavesEndAt.flatMap((_, index) => {
    const wave = waves.get(index);
    return wave ? [wave] : [];
  });
}

/**
 * How soon each service must be back: as soon as the most urgent of those that need it, or itself. Each is worked out once,
 * however many ways lead to it.
 */
function soonestOf(services: Estate["services"]): (name: string) => number {
  const needs = Object.entries(services).flatMap(([by, { dependsOn }]) => dependsOn.map((needed) => ({ by, needed })));
  const dependents = Map.groupBy(needs, ({ needed }) => needed);
  const known = new Map<string, number>();
  const soonest = (name: string): number => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const seconds = Math.min(rtoOf(services[name]), ...(dependents.get(name) ?? []).map(({ by }) => soonest(by)));
    known.set(name, seconds);
    return seconds;
  };
  return soonest;
}

const rtoOf = (service: Service | undefined): number => (service ? objectives(service).rtoSeconds : Infinity);
