import { sparing } from "../call.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import { backoff, isAboutAMinute, leastSeconds, lockedOutSeconds } from "./drain.ts";
import { holding } from "./hold.ts";
import { findNewHome } from "./homes.ts";
import { tellAway, tellLockedOut } from "./notices.ts";
import { keepCard, postponeCard, settleCard, takeCard, type TakenCard } from "./rows.ts";
import type { Card, CardSender, Sent } from "./sender.ts";

/** Seconds between edits of one card: chat.update takes about fifty a minute for the whole workspace. */
const editSeconds = 3;

/** Brings one card up to date that shows less than is wanted. Returns false when all show the newest. */
export async function drawOne(ctx: Context, send: CardSender): Promise<boolean> {
  const taken = await takeCard(ctx.db, ctx.engineVersion);
  if (!taken) return false;
  const { run, channel, remote_ref: ref, attempts } = taken;
  await ctx.point("card taken");
  const again = mayStand(taken);
  const card: Card = { run, channel, attempts, ...(ref === null ? {} : { ref }) };
  const sent = await holding(
    () => keepCard(ctx.db, card),
    () => send(sparing(ctx), card, again),
  ).catch((error: unknown): Sent => ({ doubtful: true, because: messageOf(error) }));
  await ctx.point("card sent");
  await settle(ctx, taken, sent);
  return true;
}

/** A first post that was tried before may stand there already. */
const mayStand = ({ remote_ref: ref, attempts }: TakenCard): boolean => ref === null && attempts > 1;

async function settle(ctx: Context, taken: TakenCard, sent: Sent): Promise<void> {
  const { db } = ctx;
  const { run, attempts, wanted_version: version } = taken;
  if ("sent" in sent) {
    const ref = sent.ref === undefined ? {} : { ref: sent.ref };
    return settleCard(db, taken, { version, afterSeconds: editSeconds, ...ref });
  }
  const { because } = sent;
  ctx.log.warn({ run, attempts, because }, "a card was not shown");
  if ("homeless" in sent) {
    await findNewHome(ctx, run, sent);
    return;
  }
  // A card that cannot be drawn is drawn again when the run has moved on.
  if ("refused" in sent && taken.remote_ref !== null) {
    return settleCard(db, taken, { version, because, afterSeconds: editSeconds });
  }
  if ("lockedOut" in sent) {
    await tellLockedOut(ctx, because);
    // What was doubtful before we were shut out still is.
    return postponeCard(db, taken, { afterSeconds: lockedOutSeconds, because, arrivedNot: !mayStand(taken) });
  }
  const least = ("retryAfterSeconds" in sent ? sent.retryAfterSeconds : undefined) ?? leastSeconds;
  // Nothing of a run is said before its card stands, so a card that never stood is all that can tell.
  if (isAboutAMinute(attempts, least)) await tellAway(ctx, because);
  const afterSeconds = Math.max(least, backoff(ctx, attempts));
  await postponeCard(db, taken, { afterSeconds, because, arrivedNot: false });
}
