import { failover } from "./failover.ts";
import { failoverRegion } from "./failover-region.ts";
import type { AnyJob, Job } from "./job.ts";
import { refence } from "./refence.ts";

/** Every kind of work Muster does. */
export const jobs: readonly AnyJob[] = [failover, failoverRegion, refence].map((one) => one as unknown as AnyJob);

/** Finds a job by the name that stands in a run's row. @throws Error when this Muster has none of that name. */
export function findJob(name: string): Job<unknown, unknown> {
  const found = jobs.find((job) => job.name === name);
  if (!found) throw new Error(`This Muster has no job "${name}".`);
  // A run's row holds the input and the facts that this same job has made.
  return found;
}
