import type { CallContext } from "../call.ts";
import type { Context } from "../context.ts";

/** What a request at an even pace needs. */
export type PacedContext = CallContext & Pick<Context, "clock">;

/** Route 53 takes five requests a second of an account, whatever they are; one is left to other people's tools. */
export const perSecond = 4;
const gapMs = 1000 / perSecond;

/** Of each client, in clock milliseconds: the next turn that nobody has, and when it sent last. */
const paces = new WeakMap<object, { freeAt: number; sentAt: number }>();

/**
 * Waits until another request may be sent, on Muster's clock: a move of many services must not be throttled by its own looks.
 * Turns are given in order, a quarter of a second apart, also after a rest; whoever comes late for theirs pushes the next one
 * on, so that no second has more than four of a client. Rejects with the signal's reason when it aborts first.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests
 */
export async function pace(
  { clock, activity }: Pick<PacedContext, "clock" | "activity">,
  client: object,
  signal?: AbortSignal,
): Promise<void> {
  const now = () => clock.now().getTime();
  const mine = paces.get(client) ?? { freeAt: 0, sentAt: -Infinity };
  paces.set(client, mine);
  const turn = Math.max(now(), mine.freeAt);
  mine.freeAt = turn + gapMs;
  try {
    for (;;) {
      const at = Math.max(turn, mine.sentAt + gapMs);
      if (now() >= at) break;
      const until = new Date(at);
      await activity.waiting("route53 pace", () => clock.until(until, signal));
    }
  } catch (error) {
    // The last in the row leaves no gap behind.
    if (mine.freeAt === turn + gapMs) mine.freeAt = turn;
    throw error;
  }
  mine.sentAt = now();
}
