import { sparing } from "../call.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import { holding } from "./hold.ts";
import { findNewHome } from "./homes.ts";
import { tellLockedOut, tellWaiting } from "./notices.ts";
import { keepMessage, settleMessage, takeMessage, type TakenMessage } from "./rows.ts";
import type { Sender, Sent } from "./sender.ts";

/** Seconds between looks at a door that stays shut until a person acts. */
export const lockedOutSeconds = 60;

/** Seconds before the next try, where nobody asked for more. */
export const leastSeconds = 2;

/** Takes out one due message of one kind of thread. Returns false when none is due. */
export async function drainOne(ctx: Context, kind: string, stopping?: AbortSignal): Promise<boolean> {
  const send = ctx.senders.get(kind);
  if (!send) return false;
  const taken = await takeMessage(ctx.db, kind);
  if (!taken) return false;
  await ctx.point("outbox taken");
  const sent = await attempt(ctx, send, taken, stopping);
  await ctx.point("outbox sent");
  await settle(ctx, taken, sent);
  return true;
}

async function attempt(ctx: Context, send: Sender, taken: TakenMessage, stopping?: AbortSignal): Promise<Sent> {
  const { thread, dedupe_key, payload, again } = taken;
  try {
    const message = { thread, dedupeKey: dedupe_key, payload };
    return await holding(
      () => keepMessage(ctx.db, taken),
      () => send(sparing(ctx), message, again, taken, stopping),
    );
  } catch (error) {
    // A sender answers for what the outside says; what it throws is ours (a database away, a fault), and may have come late.
    return { doubtful: true, because: messageOf(error) };
  }
}

async function settle(ctx: Context, taken: TakenMessage, sent: Sent): Promise<void> {
  const { db } = ctx;
  const { thread, attempts, again } = taken;
  if ("sent" in sent) {
    return settleMessage(db, [taken], { state: "sent", ...(sent.ref === undefined ? {} : { ref: sent.ref }) });
  }
  const { because } = sent;
  if ("unaddressed" in sent) return settleMessage(db, [taken], { state: "parked", because, untried: true });
  ctx.log.warn({ thread, attempts, because }, "a message did not go out");
  if ("refused" in sent) return settleMessage(db, [taken], { state: "parked", because });
  if ("lockedOut" in sent) {
    await tellLockedOut(ctx, because);
    // What was doubtful before we were shut out still is.
    return settleMessage(db, [taken], {
      state: again ? "sending" : "waiting",
      afterSeconds: lockedOutSeconds,
      because,
    });
  }
  if ("homeless" in sent) {
    const afterSeconds = await findNewHome(ctx, thread.slice(thread.indexOf(":") + 1), sent);
    return settleMessage(db, [taken], { state: "waiting", afterSeconds, because });
  }
  const least = sent.retryAfterSeconds ?? leastSeconds;
  if (isAboutAMinute(attempts, least)) await tellWaiting(ctx, thread, because);
  const afterSeconds = Math.max(least, backoff(ctx, attempts));
  return settleMessage(db, [taken], { state: "doubtful" in sent ? "sending" : "waiting", afterSeconds, because });
}

/** Seconds before the next try: 1, 2, 4 ... up to 30, with some chance so that not all come at once. */
export function backoff(ctx: Pick<Context, "random">, attempts: number): number {
  return backoffSeconds(attempts) * (0.8 + 0.4 * ctx.random());
}

const backoffSeconds = (attempts: number): number => Math.min(30, 2 ** Math.min(attempts - 1, 5));

/** With the shortest waits a minute is over by this try. */
const shortTries = 7;

/**
 * Whether people are to hear that so many tries failed: about a minute of them, when each was followed by the wait that this one
 * is, or by the backoff where that is longer. Holds from then on to the seventh try, as the waits may differ; whoever tells
 * tells once. Pure.
 */
export function isAboutAMinute(attempts: number, waitSeconds: number): boolean {
  if (attempts > shortTries) return false;
  const waits = Array.from({ length: attempts - 1 }, (_, at) => Math.max(waitSeconds, backoffSeconds(at + 1)));
  return waits.reduce((sum, seconds) => sum + seconds, 0) >= 60;
}
