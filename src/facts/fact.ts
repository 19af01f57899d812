import { isThrottled } from "../adapters/aws-errors.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { messageOf } from "../errors.ts";
import { isUnknown, type Unknown } from "../engine/step.ts";
import type { Context } from "../context.ts";

/**
 * One look at one thing: when it was, and what was seen, or why nothing was. `silent` where nothing answered at all: what
 * answers with a refusal lives, and what was not asked may do either.
 */
export type Fact<Seen> = { at: string; seen: Seen } | { at: string; unknown: string; silent?: true };

/** What a look saw, or undefined where it saw nothing. */
export function seen<Seen>(fact: Fact<Seen>): Seen | undefined {
  return "seen" in fact ? fact.seen : undefined;
}

/** Why a look saw nothing, or undefined where it saw something. */
export function whyUnseen(fact: Fact<unknown>): string | undefined {
  return "unknown" in fact ? fact.unknown : undefined;
}

/** Notes that there was nothing to look at, and why. */
export const notSeen = (ctx: Pick<Context, "now">, why: string): { at: string; unknown: string } => ({
  at: ctx.now().toISOString(),
  unknown: why,
});

/** How often a look is made before it counts as "nothing seen": one that was refused, and one where somebody was asked too often. */
const tries = { refused: 3, throttled: 5 } as const;
/** How long somebody who was asked too often is left in peace, in seconds; the second time twice as long, and so on. */
const restSeconds = 1;

/**
 * Looks once at one thing and notes the time. A look never throws: what cannot be seen is an answer, in a sentence. Looks
 * are repeated at once after a refusal, a second or some later where somebody was asked too often, and not after a silence, so
 * that the whole takes little more than one call timeout.
 */
export async function look<Seen>(
  ctx: Pick<Context, "now" | "callTimeoutMs"> & Partial<Pick<Context, "clock">>,
  work: () => Promise<Seen | Unknown>,
  explain: (error: unknown) => string = messageOf,
): Promise<Fact<Seen>> {
  const giveUpAt = performance.now() + ctx.callTimeoutMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const found = await work();
      const at = ctx.now().toISOString();
      return isUnknown(found) ? { at, unknown: found.unknown } : { at, seen: found };
    } catch (error) {
      const timedOut = (error as Error).name === "CallTimedOut";
      const throttled = isThrottled(error);
      if (!timedOut && attempt < tries[throttled ? "throttled" : "refused"] && performance.now() < giveUpAt) {
        if (throttled) await ctx.clock?.sleep(restSeconds * attempt);
        continue;
      }
      const silent = whyUnreachable(error) === undefined ? {} : { silent: true as const };
      return { at: ctx.now().toISOString(), unknown: explain(error), ...silent };
    }
  }
}
