import { LogLevel, WebClient, type WebClientOptions } from "@slack/web-api";
import { NotTried } from "../breaker.ts";
import { call, type CallContext } from "../call.ts";
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
