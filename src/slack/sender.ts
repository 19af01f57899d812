import { sql } from "kysely";
import type { Context } from "../context.ts";
import { type Draft, getPermalink, postEphemeral, postMessage, readBack, respond } from "../adapters/slack.ts";
import type { SlackClient } from "../adapters/slack-client.ts";
import { isNotShown, mayNotLook, SlackFailed } from "../adapters/slack-trouble.ts";
import { messageOf } from "../errors.ts";
import { nameButton } from "../inbox/buttons.ts";
import { keepMessage } from "../outbox/rows.ts";
import { type Message, type MessagePayload, type Sender, type Sent, type Taken, takenAway } from "../outbox/sender.ts";
import { cut, type NamedButton } from "./blocks.ts";
import { failedWith, outcomeOf } from "./outcome.ts";
import { placeOf, refOf } from "./ref.ts";
import { drawLines } from "./reply.ts";

/** Makes what takes messages to Slack: lines of a run's thread, and answers to people. */
export function slackSenders(slack: SlackClient): [kind: string, send: Sender][] {
  return [
    ["run", (ctx, message, again, taken) => sendLine(ctx, slack, message, { again, taken })],
    ["channel", (ctx, message, again, taken) => sendNotice(ctx, slack, message, { again, taken })],
    ["reply", (ctx, message, again, taken) => sendAnswer(ctx, slack, message, { again, taken })],
  ];
}

/** A try to send a message: in whose hands it is, and whether an earlier try may have arrived. */
type Attempt = { again: boolean; taken: Taken };

async function sendLine(ctx: Context, slack: SlackClient, message: Message, attempt: Attempt): Promise<Sent> {
  const { rows } = await sql<{ channel: string; ref: string | null }>`
    select channel, remote_ref as ref from muster.card where run = ${message.thread.slice("run:".length)}`.execute(
    ctx.db,
  );
  const [card] = rows;
  if (!card?.ref) return { retryAfterSeconds: 1, because: "the run's card was not posted yet" };
  const { channel, ts } = placeOf(card.ref);
  const from = { channel: card.channel, ref: card.ref };
  const where = { channel, threadTs: ts, key: message.dedupeKey };
  return post(ctx, slack, where, { draft: await draw(ctx, slack, message.payload), from, ...attempt });
}

async function sendAnswer(ctx: Context, slack: SlackClient, { dedupeKey, payload }: Message, attempt: Attempt) {
  const { reply } = payload;
  if (!reply) return { refused: true, because: "it does not say whom it answers" } as const;
  const draft = await draw(ctx, slack, payload);
  const { channel, everyone, user } = reply;
  if (!everyone) return whisper(ctx, slack, { ...reply, key: dedupeKey, draft });
  const sent = await post(ctx, slack, { channel, key: dedupeKey }, { draft, from: { channel }, ...attempt });
  // An answer stays with whoever asked, even where the app is not at home.
  return "homeless" in sent ? whisper(ctx, slack, { channel, user, key: dedupeKey, draft }) : sent;
}

/** Says something in a channel for those who don't work on a run. A channel that is lost is not replaced by another. */
async function sendNotice(ctx: Context, slack: SlackClient, message: Message, attempt: Attempt): Promise<Sent> {
  const channel = message.thread.slice("channel:".length);
  const draft = await draw(ctx, slack, message.payload, true);
  const sent = await post(ctx, slack, { channel, key: message.dedupeKey }, { draft, from: { channel }, ...attempt });
  return "homeless" in sent ? { refused: true, because: sent.because } : sent;
}

type Where = { channel: string; threadTs?: string; key: string };

/**
 * Posts once: what may have arrived is looked for first, and nothing is posted that another process has in hand by then. Slack
 * has no guard of its own: who freezes right between that question and the post, for as long as a row is held, posts twice.
 */
async function post(
  ctx: Context,
  slack: SlackClient,
  where: Where,
  { draft, from, again, taken }: Attempt & { draft: Draft; from: { channel: string; ref?: string } },
): Promise<Sent> {
  if (again) {
    const found = await lookFor(ctx, slack, where, { from, attempts: taken.attempts });
    if (found) return found;
  }
  if (!(await keepMessage(ctx.db, taken))) return { doubtful: true, because: takenAway };
  try {
    return { sent: true, ref: refOf(await postSomehow(ctx, slack, where, draft)) };
  } catch (error) {
    return outcomeOf(error, from);
  }
}

/** By this try a channel that Slack does not show is gone, or the app was thrown out: ten seconds have passed since the first. */
const goneByTry = 5;

/**
 * Looks for a message that may have arrived. What Slack does not show just now stays doubtful. Where Muster may not look it is
 * sent again, and where the channel seems to be gone, too: then Slack says whether it is.
 */
export async function lookFor(
  ctx: Context,
  slack: SlackClient,
  where: Where,
  { from, attempts }: { from: { channel: string; ref?: string }; attempts: number },
): Promise<Sent | undefined> {
  try {
    const { rows } = await sql<{ since: Date }>`
      select put_at as since from muster.outbox where dedupe_key = ${where.key}`.execute(ctx.db);
    const found = await readBack(ctx, slack, { ...where, ...rows[0] });
    return found && { sent: true, ref: refOf(found) };
  } catch (error) {
    if (mayNotLook(error) || (isNotShown(error) && attempts >= goneByTry)) {
      const { key } = where;
      ctx.log.warn(
        { key, because: messageOf(error) },
        "a message may have arrived; it cannot be looked for, and is sent again",
      );
      return undefined;
    }
    const outcome = outcomeOf(error, from);
    if ("homeless" in outcome || "lockedOut" in outcome) return outcome;
    return { doubtful: true, because: `could not look whether it arrived: ${messageOf(error)}` };
  }
}

/** Posts a draft; without its blocks where Slack does not like them, shorter where it is too long for it. */
async function postSomehow(ctx: Context, slack: SlackClient, where: Where, draft: Draft) {
  try {
    return await postMessage(ctx, slack, { ...where, ...draft });
  } catch (error) {
    if (!failedWith(error, "plainer", "shorten")) throw error;
    ctx.log.warn({ key: where.key, because: error.message }, "a message is posted without its blocks");
    return postMessage(ctx, slack, { ...where, text: shortened(draft.text, error) });
  }
}

/** What is left of a message that Slack did not take whole, with a word about it. */
export function shortened(text: string, error: SlackFailed): string {
  const notice =
    "Slack did not take this whole. In a terminal, `muster runs report` with the run's id tells all of it; `/muster runs` takes what its buttons would say.";
  return `${cut(text, error.trouble.kind === "shorten" ? 1500 : 3000)}\n${notice}`;
}

type Whisper = { channel: string; user: string; responseUrl?: string; key: string; draft: Draft };

/**
 * Answers one person, by the first way that works. Shown twice it harms nobody, so nothing is looked for first; and because the
 * address that came with a command is at another host, its silence says nothing of the ways behind it.
 */
async function whisper(
  ctx: Context,
  slack: SlackClient,
  { channel, user, responseUrl, key, draft }: Whisper,
): Promise<Sent> {
  const byAddress =
    responseUrl === undefined ? [] : [(body: Draft) => respond(ctx, slack, responseUrl, { ...body, everyone: false })];
  const ways = [
    ...byAddress,
    (body: Draft) => postEphemeral(ctx, slack, { channel, user, ...body }),
    async (body: Draft) => void (await postMessage(ctx, slack, { channel: user, key, ...body })),
  ];
  let failed: Sent = { refused: true, because: "nobody could be answered" };
  for (const [at, way] of ways.entries()) {
    for (const body of [draft, { text: draft.text }]) {
      try {
        await way(body);
        return { sent: true };
      } catch (error) {
        const outcome = againSoon(outcomeOf(error, { channel }));
        if (at < byAddress.length && "retryAfterSeconds" in outcome) {
          failed = outcome;
          break;
        }
        if (!failedWith(error, "plainer", "shorten", "refused", "re-home")) return outcome;
        if ("refused" in failed) failed = { refused: true, because: error.message };
        if (!failedWith(error, "plainer", "shorten")) break;
      }
    }
  }
  return failed;
}

/** What may be shown twice is tried again without a look. */
const againSoon = (sent: Sent): Sent =>
  "doubtful" in sent ? { retryAfterSeconds: sent.retryAfterSeconds ?? 2, because: sent.because } : sent;

async function draw(
  ctx: Context,
  slack: SlackClient,
  { lines, buttons = [], mention = [], runId, reply }: MessagePayload,
  elsewhere = false,
) {
  // In its own thread a run needs no link to itself.
  const link = (reply || elsewhere) && runId !== undefined ? await linkTo(ctx, slack, runId) : undefined;
  const mentions = mention.map((name) => mentionOf(ctx, name));
  return drawLines(lines, { buttons: await named(ctx, buttons), mentions, ...(link === undefined ? {} : { link }) });
}

/** Gives buttons the ids they are pressed by; those of runs that are not there are left out. */
export async function named(
  ctx: Pick<Context, "db">,
  buttons: NonNullable<MessagePayload["buttons"]>,
): Promise<NamedButton[]> {
  const all = await Promise.all(buttons.map(async (button) => ({ ...button, id: await nameButton(ctx.db, button) })));
  return all.flatMap(({ id, ...button }) => (id === undefined ? [] : [{ ...button, id }]));
}

/** Names a person so that Slack calls them, where the estate knows how. */
export function mentionOf({ estate }: Pick<Context, "estate">, name: string): string {
  const slackId = estate.people[name]?.slack;
  return slackId === undefined ? name : `<@${slackId}>`;
}

/** The address of a run's card, where it has one and Slack tells it at once. */
async function linkTo(ctx: Context, slack: SlackClient, runId: string): Promise<string | undefined> {
  const { rows } = await sql<{ ref: string | null }>`
    select remote_ref as ref from muster.card where run = ${runId}`.execute(ctx.db);
  const ref = rows[0]?.ref;
  if (!ref) return undefined;
  return getPermalink(ctx, slack, placeOf(ref)).catch((error: unknown) => {
    if (error instanceof SlackFailed) return undefined;
    throw error;
  });
}
