import { isConflict, isRefusedByCluster } from "../adapters/kubernetes.ts";
import { CannotContinue } from "../errors.ts";
import type { StepContext } from "../engine/step.ts";

/** How often one object is tried to be changed before the engine is told of the conflict. */
const mostTries = 8;
/** The longest pause before the second try, in seconds. It doubles with each: a wave may be a hundred services. */
const firstPauseSeconds = 0.5;
const longestPauseSeconds = 8;

type Shared<Seen> = {
  look: () => Promise<Seen>;
  /** Changes it as it was seen, or does nothing where nothing is wanted of it any more. Refused (409) where it is another by now. */
  change: (seen: Seen) => Promise<void>;
  /** Whether somebody else changed the very thing that is to be changed: that is looked at by the engine, and told. */
  isTheirs?: (now: Seen) => boolean;
};

/**
 * Changes an object that many change in the same moment, each its own part. Where it was changed since it was seen it is
 * looked at again after a short pause of random length, and decided about anew.
 *
 * @throws KubernetesError 409 (`isConflict`) when that did not help in a few tries, or somebody else changed the same part.
 */
export async function changeShared<Seen>(
  ctx: StepContext,
  seen: Seen,
  { look, change, isTheirs }: Shared<Seen>,
): Promise<void> {
  const pausing = AbortSignal.any([ctx.signal, ctx.stopping]);
  let now = seen;
  for (let tried = 1; ; tried += 1) {
    try {
      return await change(now);
    } catch (error) {
      if (!isConflict(error) || tried === mostTries) throw error;
      const pauseSeconds = Math.min(longestPauseSeconds, firstPauseSeconds * 2 ** (tried - 1));
      await ctx.clock.sleep(ctx.random() * pauseSeconds, pausing);
      now = await look();
      if (isTheirs?.(now)) throw error;
    }
  }
}

/** Refusals that came after another change of the same try was made. */
const late = new WeakSet<Error>();

/** Changes one after another. A refusal proves of the first only that nothing was changed: see `changedNothing`. */
export async function changeEach<T>(all: Iterable<T>, change: (one: T) => Promise<void>): Promise<void> {
  let before = 0;
  for (const one of all) {
    try {
      await change(one);
    } catch (error) {
      if (before > 0 && error instanceof Error) late.add(error);
      throw error;
    }
    before += 1;
  }
}

/** Whether an error proves that a try changed nothing of a cluster. */
export const changedNothing = (error: unknown): boolean =>
  error instanceof Error && (error instanceof CannotContinue || isRefusedByCluster(error)) && !late.has(error);
