import { redactDeep } from "../redact.ts";
import { ask, guarded, isSlacks, type SlackClient, type SlackContext } from "./slack-client.ts";
import { channelId } from "./slack-directory.ts";
import { notShown, SlackFailed } from "./slack-trouble.ts";

/** What a message shows. `text` is what notifications and screen readers get, and what is left where blocks fail. */
export type Draft = { text: string; blocks?: readonly object[] };

/** Takes secrets out of what is about to be shown; whoever wrote it may have quoted one. */
const clean = ({ redact }: SlackContext, { text, blocks }: Draft): Draft => {
  const redacted = { text, ...(blocks === undefined ? {} : { blocks }) };
  return redactDeep(redact, redacted);
};

/** Where a message stands. */
export type SlackPlace = { channel: string; ts: string };

/**
 * Posts a message and returns where it stands. `key` travels in its metadata, so that a post whose outcome is unknown can be
 * found again with `readBack`.
 * @throws SlackFailed
 */
export async function postMessage(
  ctx: SlackContext,
  slack: SlackClient,
  { channel, threadTs, key, ...draft }: Draft & { channel: string; threadTs?: string | undefined; key: string },
): Promise<SlackPlace> {
  const answer = await ask(ctx, slack, "chat.postMessage", {
    channel,
    ...clean(ctx, draft),
    ...(threadTs === undefined ? {} : { thread_ts: threadTs }),
    metadata: { event_type: "muster", event_payload: { key } },
    unfurl_links: false,
    unfurl_media: false,
  });
  if (channel.startsWith("#")) slack.channelIds.set(channel, String(answer.channel));
  return { channel: String(answer.channel), ts: String(answer.ts) };
}

/** Replaces what a message of ours shows. Twice equals once. @throws SlackFailed */
export async function updateMessage(
  ctx: SlackContext,
  slack: SlackClient,
  { channel, ts, ...draft }: Draft & SlackPlace,
): Promise<void> {
  await ask(ctx, slack, "chat.update", { channel, ts, ...clean(ctx, draft) });
}

/** Shows a message to one person in a channel, until they reload Slack. It cannot be read back. @throws SlackFailed */
export async function postEphemeral(
  ctx: SlackContext,
  slack: SlackClient,
  { channel, user, ...draft }: Draft & { channel: string; user: string },
): Promise<void> {
  await ask(ctx, slack, "chat.postEphemeral", { channel, user, ...clean(ctx, draft) });
}

/**
 * Looks for our message with this key: among the answers of a thread since then, of which Slack gives the oldest first, or in
 * the channel itself, newest first; a thousand at most. A message that was posted a moment ago may not be there yet.
 * @throws SlackFailed; doubtful where Slack does not show the channel: see `isNotShown`.
 * @see https://docs.slack.dev/reference/methods/conversations.replies/
 */
export async function readBack(
  ctx: SlackContext,
  slack: SlackClient,
  { channel, threadTs, key, since }: { channel: string; threadTs?: string | undefined; key: string; since?: Date },
): Promise<SlackPlace | undefined> {
  // A channel that was missed a moment ago may be there by now; what is not shown was not looked into.
  const id = await channelId(ctx, slack, channel, { anew: true });
  if (id === undefined) throw new SlackFailed({ kind: "doubtful" }, notShown);
  const method = threadTs === undefined ? "conversations.history" : "conversations.replies";
  const thread = threadTs === undefined ? {} : { ts: threadTs, ...(since && { oldest: shortlyBefore(since) }) };
  const where = { channel: id, ...thread };
  let cursor = "";
  for (let page = 0; page < 10; page += 1) {
    const answer = await ask(ctx, slack, method, { ...where, include_all_metadata: true, limit: 100, cursor });
    const found = (answer.messages as Kept[] | undefined)?.find(({ metadata }) => metadata?.event_payload?.key === key);
    if (found) return { channel: id, ts: found.ts };
    cursor = answer.response_metadata?.next_cursor ?? "";
    if (cursor === "") return undefined;
  }
  return undefined;
}

/** Names the address of a message, for links. @throws SlackFailed */
export async function getPermalink(ctx: SlackContext, slack: SlackClient, place: SlackPlace): Promise<string> {
  const answer = await ask(ctx, slack, "chat.getPermalink", { channel: place.channel, message_ts: place.ts });
  return String(answer.permalink);
}

/**
 * Answers at the address that came with a command or a click: good for five answers within thirty minutes.
 * @throws SlackFailed; an address that is used up or too old is a refusal.
 */
export async function respond(
  ctx: SlackContext,
  slack: SlackClient,
  url: string,
  draft: Draft & { everyone: boolean },
): Promise<void> {
  const { everyone } = draft;
  if (!isSlacks(slack, url)) throw new SlackFailed({ kind: "refused" }, "the address to answer at is not Slack's");
  const body = { ...clean(ctx, draft), response_type: everyone ? "in_channel" : "ephemeral", replace_original: false };
  await guarded(ctx, slack, "response_url", async (signal) => {
    const headers = { "content-type": "application/json; charset=utf-8" };
    const response = await fetch(url, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      redirect: "error",
      signal,
    });
    await response.text();
    if (response.ok) return;
    const retryAfter = Number(response.headers.get("retry-after") ?? 30);
    if (response.status === 429) throw new SlackFailed({ kind: "retry", afterSeconds: retryAfter }, "429");
    throw new SlackFailed({ kind: response.status >= 500 ? "doubtful" : "refused" }, `status ${response.status}`);
  });
}

/** A moment as Slack writes it, ten minutes earlier: its clock is not ours. */
export const shortlyBefore = (since: Date): string => (since.getTime() / 1000 - 600).toFixed(6);

type Kept = { ts: string; metadata?: { event_payload?: { key?: unknown } } };
