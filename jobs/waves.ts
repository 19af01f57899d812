import { objectives, type Estate, type Service } from "../src/estate.ts";

/** The last moment each wave may be back, in seconds: the tiers' own objectives, and whatever has longer. */
const wavesEndAt = [3600, 4 * 3600, 24 * 3600, Infinity];

/**
 * Groups services into waves: those that must be back soonest go first. What counts is a service's own objective, which
 * wins over its tier's; and what it needs never comes after it: a plain service that a critical one depends on is critical.
 * Services of a wave go side by side, in the order of their names. Pure; dependencies have no cycle (the estate sees to that).
 */
export function wavesOf(services: Estate["services"], moving: readonly string[]): string[][] {
  const waves = wavesEndAt.map((endsAt, index) =>
    moving
      .filter((name) => {
        const seconds = soonest(services, name);
        return seconds <= endsAt && (index === 0 || seconds > (wavesEndAt[index - 1] ?? 0));
      })
      .toSorted((left, right) => (left < right ? -1 : 1)),
  );
  return waves.filter((wave) => wave.length > 0);
}

/** How soon a service must be back: as soon as the most urgent of those that need it, or itself. */
function soonest(services: Estate["services"], name: string): number {
  const own = rtoOf(services[name]);
  const dependents = Object.keys(services).filter((other) => services[other]?.dependsOn.includes(name));
  return Math.min(own, ...dependents.map((other) => soonest(services, other)));
}

const rtoOf = (service: Service | undefined): number => (service ? objectives(service).rtoSeconds : Infinity);
