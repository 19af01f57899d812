import type { CallContext } from "../call.ts";
import type { Context } from "../context.ts";

/** What a request at an even pace needs. */
export type PacedContext = CallContext & Pick<Context, "clock" | "onBehalfOf">;

/** Route 53 takes five requests a second of an account, whatever they are; one is left to other people's tools. */
export const perSecond = 4;
const gapMs = 1000 / perSecond;

/** Who goes before whom: what a run does, what an approved run waits for, then whoever only looks. */
const lanes = ["step", "start", "look"] as const;
export type Lane = (typeof lanes)[number];

/** The lane that a request waits in. */
export const laneOf = ({ onBehalfOf }: Pick<Context, "onBehalfOf">): Lane => onBehalfOf ?? "look";

type Waiter = { clock: Context["clock"]; go: () => void };

/** Turns of one client: who waits for one, in order, and when the last was given, in clock milliseconds. */
type Turns = { waiting: Record<Lane, Waiter[]>; givenAt: number; gap: AbortController | undefined };

const turnsOf = new WeakMap<object, Turns>();

/**
 * Waits until another request may be sent, on Muster's clock: a move of many services must not be throttled by its own looks.
 * Turns are a quarter of a second apart, also after a rest; one that is given late pushes the next one on, so that no second
 * has more than four of a client. A look at a whole region wants hundreds of them: what a run does takes the next turn before
 * any look that waits, and within a lane they are given in order. Rejects with the signal's reason when it aborts first.
 * @see https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html#limits-api-requests
 */
export async function pace(
  ctx: Pick<PacedContext, "clock" | "activity" | "onBehalfOf">,
  client: object,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted();
  const turns = turnsOf.get(client) ?? {
    waiting: { step: [], start: [], look: [] },
    givenAt: -Infinity,
    gap: undefined,
  };
  turnsOf.set(client, turns);
  const lane = turns.waiting[laneOf(ctx)];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const waiter: Waiter = { clock: ctx.clock, go: resolve };
  const leave = () => {
    const index = lane.indexOf(waiter);
    if (index < 0) return;
    lane.splice(index, 1);
    if (!firstOf(turns)) turns.gap?.abort();
    reject(signal?.reason);
  };
  signal?.addEventListener("abort", leave, { once: true });
  lane.push(waiter);
  if (!turns.gap) void giveTurns(turns);
  try {
    await (lane.includes(waiter) ? ctx.activity.waiting("route53 pace", () => promise) : promise);
  } finally {
    signal?.removeEventListener("abort", leave);
  }
}

const firstOf = ({ waiting }: Turns): Waiter | undefined =>
  lanes.map((lane) => waiting[lane][0]).find((first) => first !== undefined);

/** Gives turns until nobody waits. Who gets one is decided when it is due: whoever is in more of a hurry may have come. */
async function giveTurns(turns: Turns): Promise<void> {
  for (let next = firstOf(turns); next; next = firstOf(turns)) {
    const dueAt = turns.givenAt + gapMs;
    if (next.clock.now().getTime() < dueAt) {
      turns.gap = new AbortController();
      // It ends early when the last who waited has left; another may have come since.
      await next.clock.until(new Date(dueAt), turns.gap.signal).catch(() => undefined);
      continue;
    }
    for (const lane of lanes) if (turns.waiting[lane][0] === next) turns.waiting[lane].shift();
    turns.givenAt = next.clock.now().getTime();
    next.go();
  }
  turns.gap = undefined;
}
