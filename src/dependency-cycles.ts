import type { Estate } from "./estate.ts";

/** Services that need one another in a circle, and the entry of `dependsOn` that closes it. */
export type DependencyCycle = { service: string; index: number; path: string[] };

/**
 * Finds circles among the services' dependencies: nobody could say which of them moves first. Every circle is named by one
 * entry that closes it; without these entries there would be none left. Pure.
 */
export function findDependencyCycles(services: Estate["services"]): DependencyCycle[] {
  const cycles: DependencyCycle[] = [];
  const done = new Set<string>();
  const open: string[] = [];
  const visit = (service: string) => {
    if (done.has(service) || !Object.hasOwn(services, service)) return;
    open.push(service);
    for (const [index, needed] of (services[service]?.dependsOn ?? []).entries()) {
      const from = open.indexOf(needed);
      if (from === -1) visit(needed);
      else cycles.push({ service, index, path: [...open.slice(from), needed] });
    }
    open.pop();
    done.add(service);
  };
  for (const service of Object.keys(services)) visit(service);
  return cycles;
}
