import type { Context } from "../context.ts";
import { UserError } from "../errors.ts";
import { ownerOf } from "../estate.ts";
import type { SlackClient } from "../adapters/slack-client.ts";
import { channelId, getTeam, getUser, whyNoMember, type SlackUser } from "../adapters/slack-directory.ts";
import { TryLater } from "../inbox/answer.ts";
import type { Delivery } from "../inbox/delivery.ts";
import { failedWith } from "./outcome.ts";

/** Seconds for which what Slack said of a person is believed. */
const believedSeconds = 60;

/** Makes the function that tells which of the estate's people did something in Slack, where it may be done. */
export function identifier(slack: SlackClient) {
  const seen = new Map<string, { user: SlackUser | undefined; until: number }>();
  let ownTeam: string | undefined;

  async function lookUp(ctx: Context, id: string): Promise<SlackUser | undefined> {
    const now = ctx.now().getTime();
    const known = seen.get(id);
    if (known && now < known.until) return known.user;
    const user = await getUser(ctx, slack, id).catch((error: unknown) => {
      if (failedWith(error, "refused")) return undefined;
      throw error;
    });
    seen.set(id, { user, until: now + believedSeconds * 1000 });
    return user;
  }

  /** @throws UserError as the private refusal; TryLater when Slack does not tell who it is. */
  return async (ctx: Context, delivery: Delivery): Promise<{ name: string }> => {
    try {
      ownTeam ??= ctx.estate.workspace ?? (await getTeam(ctx, slack)).team;
      if (delivery.team !== ownTeam) throw stranger();
      const name = ownerOf(ctx.estate.people, "slack", delivery.user);
      const user = await lookUp(ctx, delivery.user);
      if (name === undefined || !user || whyNoMember(user, ownTeam) !== undefined) throw stranger();
      if (!(await isAllowed(ctx, slack, delivery))) throw elsewhere(ctx);
      return { name };
    } catch (error) {
      if (failedWith(error, "retry", "doubtful", "locked-out", "refused", "re-home")) throw unsure(error);
      throw error;
    }
  };
}

async function isAllowed(ctx: Context, slack: SlackClient, { channel, channelName }: Delivery): Promise<boolean> {
  const allowed = Object.values(ctx.estate.channels).filter((name) => name !== undefined);
  if (allowed.includes(channel) || allowed.includes(`#${channelName}`)) return true;
  // Of a private channel Slack does not always tell the name. What is known already takes no call.
  if (allowed.some((name) => slack.channelIds.get(name) === channel)) return true;
  for (const name of allowed) if ((await channelId(ctx, slack, name)) === channel) return true;
  return false;
}

/** Says the same to everybody who is not one of the estate's people, and nothing about what there is. */
const stranger = () =>
  new UserError({
    happened: "Muster does not know you.",
    means: "Nothing was done.",
    todo: "Ask the people who run Muster if you should have access.",
  });

function elsewhere({ estate }: Context): UserError {
  const channels = Object.values(estate.channels).filter((name) => name !== undefined);
  return new UserError({
    happened: "Muster takes no commands in this channel.",
    means: "Nothing was done, and nobody else saw what you typed.",
    todo: `Go to ${channels.join(", ")} and type it there.`,
  });
}

const unsure = (cause: unknown) =>
  new TryLater(
    {
      happened: "Slack did not tell Muster who you are.",
      means: "Nothing was done.",
      todo: "Try again in a minute, or use the terminal: muster runs.",
    },
    { cause },
  );
