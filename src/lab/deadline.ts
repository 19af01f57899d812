import { setTimeout as wallMilliseconds } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { LabRequest, RequestLog } from "./request-log.ts";

/** Nobody is cut off sooner than this on the wall, however fast the lab's clock runs or jumps. */
const leastMilliseconds = 1000;

/** After so long on the wall, whoever is not answered yet waits for something that is dead or very slow. */
const stuckMilliseconds = 100;

export class TimedOut extends Error {}

/**
 * Waits for work at most so many lab seconds. Who is known to be dead need not be waited for on the wall.
 * @throws TimedOut
 */
export async function within<T>(clock: Clock, seconds: number, work: Promise<T>, isDead = () => false): Promise<T> {
  const over = new AbortController();
  const startedAt = performance.now();
  const deadline = clock.sleep(seconds, over.signal).then(async () => {
    const left = leastMilliseconds - (performance.now() - startedAt);
    if (left > 0 && !isDead()) await wallMilliseconds(left, undefined, { signal: over.signal });
    throw new TimedOut(`no answer within ${seconds} seconds`);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    over.abort();
  }
}

/** Closes a request's log entry once it is stuck, so that the lab's clock may move on past it. */
export function closeWhenStuck(log: RequestLog, request: LabRequest): void {
  setTimeout(() => log.close(request, "waits"), stuckMilliseconds).unref();
}
