import { WebClient } from "@slack/web-api";
import { ask, clientOptions, type SlackClient, type SlackContext } from "./slack-client.ts";
import { SlackFailed } from "./slack-trouble.ts";

/** What the app must be allowed to do in a workspace, and what each is for. The manifest is made from this. */
export const botScopes: Readonly<Record<string, string>> = {
  commands: "slash commands are not taken",
  "files:write": "a run's chart is not shown in its thread",
  "chat:write": "nothing can be said in Slack",
  "users:read": "nobody who types or presses can be told from a stranger, and all are refused",
  "channels:read": "public channels cannot be found by their names",
  "groups:read": "private channels cannot be found by their names",
  "channels:history":
    "in public channels, a message whose outcome is unknown cannot be looked for, and may be said twice",
  "groups:history":
    "in private channels, a message whose outcome is unknown cannot be looked for, and may be said twice",
};

/** What Slack says of the bot's token. */
export type SlackApp = { team: string; teamName: string; bot: string; scopes: string[] };

/** Asks Slack whose the bot's token is, and what it may do. Changes nothing. @throws SlackFailed */
export async function getApp(ctx: SlackContext, slack: SlackClient): Promise<SlackApp> {
  const answer = await ask(ctx, slack, "auth.test", {});
  return {
    team: String(answer.team_id),
    teamName: String(answer.team),
    bot: String(answer.user),
    scopes: answer.response_metadata?.scopes ?? [],
  };
}

/**
 * Asks Slack for the address of a web socket with the app-level token, and does not open it: it lapses by itself.
 * @throws SlackFailed; its message is Slack's code, such as "invalid_auth" or "missing_scope".
 */
export async function askForSocket(ctx: SlackContext, slack: SlackClient): Promise<void> {
  const web = new WebClient(slack.settings.appToken, clientOptions(slack.settings));
  await ask(ctx, { ...slack, web }, "apps.connections.open", {});
}

/** A channel, as far as it decides whether Muster can talk there. */
export type Channel = { id: string; archived: boolean; member: boolean };

/** Looks for channels by their ids or #names, in one go. Those that the app cannot see are not in the answer. @throws SlackFailed */
export async function findChannels(
  ctx: SlackContext,
  slack: SlackClient,
  wanted: readonly string[],
): Promise<ReadonlyMap<string, Channel>> {
  const found = new Map<string, Channel>();
  for (const id of wanted.filter((name) => !name.startsWith("#"))) {
    const channel = await getChannel(ctx, slack, id);
    if (channel) found.set(id, channel);
  }
  const names = new Set(wanted.filter((name) => name.startsWith("#")));
  const types = "public_channel,private_channel";
  let cursor = "";
  for (let page = 0; page < 50 && names.size > 0; page += 1) {
    const answer = await ask(ctx, slack, "conversations.list", { limit: 1000, exclude_archived: false, types, cursor });
    for (const channel of (answer.channels ?? []) as Described[]) {
      if (names.delete(`#${channel.name}`)) found.set(`#${channel.name}`, describe(channel));
    }
    cursor = answer.response_metadata?.next_cursor ?? "";
    if (cursor === "") break;
  }
  return found;
}

async function getChannel(ctx: SlackContext, slack: SlackClient, id: string): Promise<Channel | undefined> {
  try {
    const { channel } = await ask(ctx, slack, "conversations.info", { channel: id });
    return describe(channel as Described);
  } catch (error) {
    if (error instanceof SlackFailed && error.message === "channel_not_found") return undefined;
    throw error;
  }
}

type Described = { id: string; name?: string; is_archived?: boolean; is_member?: boolean };

const describe = ({ id, is_archived = false, is_member = false }: Described): Channel => ({
  id,
  archived: is_archived,
  member: is_member,
});
