import { setTimeout as pause } from "node:timers/promises";
import type { Reply } from "../chat.ts";
import type { Context } from "../context.ts";
import { CannotContinue, messageOf, UserError, type Explanation } from "../errors.ts";
import type { Message } from "../outbox/sender.ts";
import { makeBell, wakeOutbox, type Bell } from "../outbox/wake.ts";
import { redactDeep } from "../redact.ts";
import { inSpan } from "../trace.ts";
import { answer, TryLater, type Desk } from "./answer.ts";
import type { Delivery, Received } from "./delivery.ts";
import { conclude, postpone, renew, takenSeconds, takeReceived } from "./rows.ts";
import { onWakeInbox } from "./wake.ts";

/** Wall milliseconds between looks when nobody wakes us. */
const pollMs = 300;
/** Deliveries worked on at once: a slow preflight must not hold back somebody's Hold. */
const atOnce = 8;
/** How often something that asks for patience, or kills its process, is tried. */
const mostTries = 4;

export type Inbox = {
  /** Stops taking deliveries and waits for the ones under way, but no longer than a call may take. */
  stop(): Promise<void>;
};

/** Deals with what people did in Slack until it is stopped. What a process that died left is dealt with by another. */
export function startInbox(ctx: Context, desk: Desk): Inbox {
  const stopping = new AbortController();
  const running = keepTaking(ctx, desk, stopping.signal);
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function keepTaking(ctx: Context, desk: Desk, signal: AbortSignal): Promise<void> {
  const open = new Set<Promise<void>>();
  const bell = makeBell();
  const forget = onWakeInbox(bell.ring);
  while (!signal.aborted) {
    try {
      const taken = open.size < atOnce ? await takeReceived(ctx.db) : undefined;
      if (!taken) await rest(bell, open.size < atOnce ? [] : [...open], signal);
      else {
        const work: Promise<void> = ctx.activity
          .during(() => dealWith(ctx, desk, taken, signal))
          .finally(() => open.delete(work));
        open.add(work);
      }
    } catch (error) {
      ctx.log.warn({ error: messageOf(error) }, "the inbox could not be looked at");
      await pause(1000, undefined, { signal }).catch(() => undefined);
    }
  }
  forget();
  // What takes longer is dealt with by another process, as after a crash.
  await Promise.race([Promise.all(open), pause(ctx.callTimeoutMs, undefined, { ref: false })]);
}

async function rest(bell: Bell, either: Promise<void>[], signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const poll = pause(pollMs, undefined, { signal: AbortSignal.any([signal, over.signal]) });
  await Promise.race([bell.heard(), poll.catch(() => undefined), ...either]);
  over.abort();
}

/**
 * Answers one delivery and closes it. Never throws: what cannot be closed now is taken again later.
 * Who is told to stop holds on to it no longer than it has it now, so that another may take it.
 */
async function dealWith(ctx: Context, desk: Desk, received: Received, signal: AbortSignal): Promise<void> {
  const renewal = setInterval(
    () => {
      if (signal.aborted) clearInterval(renewal);
      else void renew(ctx.db, received.seq).catch(() => undefined);
    },
    (takenSeconds * 1000) / 3,
  ).unref();
  try {
    const reply = await replyTo(ctx, desk, received);
    await ctx.point("inbox answered");
    await conclude(ctx.db, received.seq, asMessage(received, redactDeep(ctx.redact, reply)));
    wakeOutbox();
  } catch (error) {
    ctx.log.warn({ delivery: received.deliveryKey, error: messageOf(error) }, "a delivery waits for another try");
    if (error instanceof TryLater) await postpone(ctx.db, received.seq, 1).catch(() => undefined);
  } finally {
    clearInterval(renewal);
  }
}

async function replyTo(ctx: Context, desk: Desk, received: Received): Promise<Reply> {
  try {
    if (received.tries > mostTries) throw new Error(`it was tried ${mostTries} times and never came to an end`);
    const { kind, trace: parent = null } = received.delivery;
    const options = { parent, kind: "in", attributes: { "muster.tries": received.tries }, redact: ctx.redact } as const;
    return await inSpan(`answer ${kind}`, options, () => answer(ctx, desk, received));
  } catch (error) {
    if (error instanceof UserError || error instanceof CannotContinue) return says(error.explanation);
    if (error instanceof TryLater && received.tries < mostTries) throw error;
    if (error instanceof TryLater) return says(error.explanation);
    const id = ctx.newId();
    ctx.log.error(
      { id, delivery: received.deliveryKey, error: messageOf(error), stack: stackOf(error) },
      "a command failed",
    );
    return says({
      happened: `Muster does not know what happened to ${nameOf(received.delivery)}: something in it failed.`,
      means: "It may have been done, in whole or in part.",
      todo: `Look with /muster runs before you try again; the log has it under ${id}.`,
    });
  }
}

const says = ({ happened, means, todo }: Explanation): Reply => ({ lines: [happened, means, todo] });
const stackOf = (error: unknown) => (error instanceof Error ? error.stack : undefined);
const nameOf = (delivery: Delivery) => (delivery.kind === "command" ? `"${delivery.command}"` : "that button");

function asMessage({ seq, delivery }: Received, { lines, buttons, to, runId }: Reply): Message {
  const { channel, user, responseUrl } = delivery;
  const reply = { channel, user, everyone: to === "everyone", ...(responseUrl === undefined ? {} : { responseUrl }) };
  return {
    thread: `reply:${seq}`,
    dedupeKey: `reply:${seq}`,
    payload: { lines, reply, ...(buttons ? { buttons } : {}), ...(runId === undefined ? {} : { runId }) },
  };
}
