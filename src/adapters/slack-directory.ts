import { ask, type SlackClient, type SlackContext } from "./slack-client.ts";

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
 * `anew` asks Slack also where a channel was missed a moment ago.
 * @throws SlackFailed
 * @see https://docs.slack.dev/reference/methods/users.conversations/
 */
export async function channelId(
  ctx: SlackContext,
  slack: SlackClient,
  channel: string,
  { anew = false } = {},
): Promise<string | undefined> {
  if (!channel.startsWith("#")) return channel;
  if (!slack.channelIds.has(channel) && (anew || slack.channelsKnownUntil <= ctx.now()))
    await learnChannels(ctx, slack);
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
