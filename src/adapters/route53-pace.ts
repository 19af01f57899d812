import type { CallContext } from "../call.ts";
import type { Context } from "../context.ts";

/** What a request at an even pace needs. */
export type PacedContext = CallContext & Pick<Context, "clock">;

/** Route 53 takes five requests a second of an account, whatever they are; one is left to other people's tools. */
export const perSecond = 4;
/** So many may go at once after a rest. */
const burst = 4;

/** When the requests given out so far will have been sent at an even pace, in clock milliseconds, by client. */
const givenOut = new WeakMap<object, number>();

/**
 * Waits until another request may be sent, on Muster's clock: a move of many services must not be throttled by its own looks.
 * Rejects with the signal's reason when it aborts first.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests
 */
export async function pace(ctx: PacedContext, client: object, signal?: AbortSignal): Promise<void> {
  const now = ctx.clock.now().getTime();
  const gap = 1000 / perSecond;
  const mine = Math.max(now, givenOut.get(client) ?? 0);
  givenOut.set(client, mine + gap);
  const startAt = mine - (burst - 1) * gap;
  if (startAt > now) await ctx.activity.waiting("route53 pace", () => ctx.clock.until(new Date(startAt), signal));
}
