import { LogLevel, WebClient, type WebClientOptions } from "@slack/web-api";
import { NotTried } from "../breaker.ts";
import { call, type CallContext } from "../call.ts";
import { redactDeep } from "../redact.ts";
import { SlackFailed, troubleOf } from "./slack-trouble.ts";

/** Slack's own advice for calls: nothing is posted twice in ten seconds, and nothing takes longer. */
const timeoutMs = 10_000;

export type SlackSettings = {
  /** xoxb-... */ botToken: string;
  /** xapp-..., for Socket Mode; without it, Slack posts to us. */ appToken?: string | undefined;
  /** Where the Web API is, with a slash at its end, when not where Slack has it. */
  apiUrl?: string | undefined;
};

export type SlackContext = CallContext & { now(): Date };

/** What this process knows of one workspace: the client, and which methods Slack asked to leave alone until when. */
export type SlackClient = {
  web: WebClient;
  settings: SlackSettings;
  pausedUntil: Map<string, Date>;
  /** Ids of channels whose names we were given. */
  channelIds: Map<string, string>;
  /** Until when no other channel is looked for: the app is in none but these. */
  channelsKnownUntil: Date;
};

/** What a message shows. `text` is what notifications and screen readers get, and what is left where blocks fail. */
export type Draft = { text: string; blocks?: readonly object[] };

/** Takes secrets out of what is about to be shown; whoever wrote it may have quoted one. */
const clean = ({ redact }: SlackContext, { text, blocks }: Draft): Draft => {
  const redacted = { text, ...(blocks === undefined ? {} : { blocks }) };
  return redactDeep(redact, redacted);
};

/** Where a message stands. */
export type SlackPlace = { channel: string; ts: string };

/** Everything the client would say is in what it throws; its own log goes to the console, payloads included. */
const nothing = () => undefined;
const silent = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  setLevel: nothing,
  getLevel: () => LogLevel.ERROR,
  setName: nothing,
};

/** The options of every Web API client we make: nothing is repeated or waited for inside the library. */
export function clientOptions({ apiUrl }: SlackSettings): WebClientOptions {
  return {
    // The outbox decides about a second post, after reading back. Ten quiet retries made three messages of one.
    retryConfig: { retries: 0 },
    timeout: timeoutMs,
    // Otherwise a 429 of one method pauses the whole client.
    rejectRateLimitedCalls: true,
    allowAbsoluteUrls: false,
    logger: silent,
    ...(apiUrl ? { slackApiUrl: apiUrl } : {}),
  };
}

/** Makes the client of a workspace. Nothing is connected before the first call. */
export function makeSlack(settings: SlackSettings): SlackClient {
  return {
    web: new WebClient(settings.botToken, clientOptions(settings)),
    settings,
    pausedUntil: new Map(),
    channelIds: new Map(),
    channelsKnownUntil: new Date(0),
  };
}

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
 * @throws SlackFailed
 * @see https://docs.slack.dev/reference/methods/conversations.replies/
 */
export async function readBack(
  ctx: SlackContext,
  slack: SlackClient,
  { channel, threadTs, key, since }: { channel: string; threadTs?: string | undefined; key: string; since?: Date },
): Promise<SlackPlace | undefined> {
  const id = await channelId(ctx, slack, channel);
  if (id === undefined) return undefined;
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

/** A moment as Slack writes it, ten minutes earlier: its clock is not ours. */
export const shortlyBefore = (since: Date): string => (since.getTime() / 1000 - 600).toFixed(6);

type Kept = { ts: string; metadata?: { event_payload?: { key?: unknown } } };

/** A member of workspaces, as far as it matters for trusting them. */
export type SlackUser = { id: string; teams: readonly string[]; active: boolean; bot: boolean; guest: boolean };

/**
 * Looks up a person. In an organisation of many workspaces Slack names one of them as the person's own, and all in another place.
 * @throws SlackFailed; `user_not_found` is a refusal.
 * @see https://docs.slack.dev/reference/objects/user-object/
 */
export async function getUser(ctx: SlackContext, slack: SlackClient, user: string): Promise<SlackUser> {
  const answer = await ask(ctx, slack, "users.info", { user });
  const found = (answer.user ?? {}) as Record<string, unknown>;
  const { teams } = (found.enterprise_user ?? {}) as { teams?: unknown };
  const all = [found.team_id, ...(Array.isArray(teams) ? (teams as unknown[]) : [])];
  return {
    id: String(found.id),
    teams: all.filter((team) => typeof team === "string"),
    active: found.deleted !== true,
    bot: found.is_bot === true || found.is_app_user === true,
    guest: found.is_restricted === true || found.is_ultra_restricted === true || found.is_stranger === true,
  };
}

/** Why somebody is no member of a workspace who may be trusted, to finish "They are ..."; undefined for one who may. */
export function whyNoMember({ active, bot, guest, teams }: SlackUser, own: string): string | undefined {
  if (!active) return "deactivated in Slack";
  if (bot) return "a bot";
  if (!teams.includes(own)) return `of another workspace (${teams.join(", ") || "Slack does not say which"})`;
  return guest ? "a guest of the workspace" : undefined;
}

/** Names the address of a message, for links. @throws SlackFailed */
export async function getPermalink(ctx: SlackContext, slack: SlackClient, place: SlackPlace): Promise<string> {
  const answer = await ask(ctx, slack, "chat.getPermalink", { channel: place.channel, message_ts: place.ts });
  return String(answer.permalink);
}

/** Tells which workspace the token belongs to. @throws SlackFailed */
export async function getTeam(ctx: SlackContext, slack: SlackClient): Promise<{ team: string; botUser: string }> {
  const answer = await ask(ctx, slack, "auth.test", {});
  return { team: String(answer.team_id), botUser: String(answer.user_id) };
}

/** Seconds for which a channel that the app was not in is not looked for again. */
const missedSeconds = 60;

/**
 * Finds the id of a channel that is named by its id or its #name; undefined when the app is in none of that name. It looks
 * among the app's own channels, which are few: a workspace may have tens of thousands, and a list of all of those is rationed.
 * @throws SlackFailed
 * @see https://docs.slack.dev/reference/methods/users.conversations/
 */
export async function channelId(ctx: SlackContext, slack: SlackClient, channel: string): Promise<string | undefined> {
  if (!channel.startsWith("#")) return channel;
  if (!slack.channelIds.has(channel) && slack.channelsKnownUntil <= ctx.now()) await learnChannels(ctx, slack);
  return slack.channelIds.get(channel);
}

async function learnChannels(ctx: SlackContext, slack: SlackClient): Promise<void> {
  const wanted = { types: "public_channel,private_channel", exclude_archived: true, limit: 999 };
  let cursor = "";
  for (let page = 0; page < 50; page += 1) {
    const answer = await ask(ctx, slack, "users.conversations", { ...wanted, cursor });
    for (const { id, name } of (answer.channels ?? []) as { id: string; name: string }[]) {
      slack.channelIds.set(`#${name}`, id);
    }
    cursor = answer.response_metadata?.next_cursor ?? "";
    if (cursor === "") break;
  }
  slack.channelsKnownUntil = new Date(ctx.now().getTime() + missedSeconds * 1000);
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

/** An address in a payload is still text from outside: we send what people are told only to Slack. */
export function isSlacks({ settings }: SlackClient, url: string, host = "hooks.slack.com"): boolean {
  const { origin, protocol, hostname } = new URL(url);
  if (protocol === "https:" && hostname === host) return true;
  return settings.apiUrl !== undefined && origin === new URL(settings.apiUrl).origin;
}

/** What a method answered. */
export type Answer = Awaited<ReturnType<WebClient["apiCall"]>> & Record<string, unknown>;

/** Calls one method of the Web API. @throws SlackFailed */
export function ask(
  ctx: SlackContext,
  slack: SlackClient,
  method: string,
  params: Record<string, unknown>,
): Promise<Answer> {
  return guarded(ctx, slack, method, () => slack.web.apiCall(method, params) as Promise<Answer>);
}

/** What is at a host of its own, which may be out of reach while the Web API answers: it has a breaker of its own. */
const elsewhere: Readonly<Record<string, string>> = { response_url: "slack hooks", upload: "slack files" };

/** Makes a call unless Slack asked to leave its method alone, and sorts what goes wrong. @throws SlackFailed */
export async function guarded<T>(
  ctx: SlackContext,
  slack: SlackClient,
  method: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const waitSeconds = ((slack.pausedUntil.get(method)?.getTime() ?? 0) - ctx.now().getTime()) / 1000;
  if (waitSeconds > 0) throw new SlackFailed({ kind: "retry", afterSeconds: waitSeconds }, "Slack asked to wait");
  try {
    return await call(ctx, `slack.${method}`, work, { timeoutMs, target: elsewhere[method] ?? "slack" });
  } catch (error) {
    const failed = troubleOf(error);
    // What Slack never heard it did not ask to wait for: a person's own call goes through meanwhile.
    if (failed.trouble.kind === "retry" && !(error instanceof NotTried)) {
      slack.pausedUntil.set(method, new Date(ctx.now().getTime() + failed.trouble.afterSeconds * 1000));
    }
    throw failed;
  }
}
