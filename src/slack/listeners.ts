import type {
  AllMiddlewareArgs,
  BlockAction,
  SlackActionMiddlewareArgs,
  SlackCommandMiddlewareArgs,
} from "@slack/bolt";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import { respond } from "../adapters/slack.ts";
import type { SlackClient } from "../adapters/slack-client.ts";
import { receive, type Receipt } from "../inbox/receive.ts";

/** What is said when Slack's three seconds end before we know better. */
const bad: Partial<Record<Receipt, string>> = {
  "not recorded":
    "Muster's database did not answer in time, so nothing was recorded. Nothing was changed. Try again in a minute, or use the terminal: muster runs.",
  unknown:
    "Muster's database stopped answering while this was being recorded, so it may count or not. Nothing has been changed yet. Look with /muster runs before you type it again.",
};

/** Records a slash command, then acknowledges it. */
export async function onCommand(
  ctx: Context,
  _slack: SlackClient,
  { command, ack }: SlackCommandMiddlewareArgs & AllMiddlewareArgs,
): Promise<void> {
  const receipt = await receive(ctx, `command:${command.trigger_id}`, {
    kind: "command",
    command: command.command,
    text: storable(unescape(command.text ?? "")),
    team: command.team_id,
    user: command.user_id,
    channel: command.channel_id,
    channelName: command.channel_name,
    responseUrl: command.response_url,
  });
  const text = bad[receipt] ?? (receipt === "recorded" ? "Looking ..." : undefined);
  await ack(text === undefined ? undefined : { response_type: "ephemeral", text });
}

/** Records a press, then acknowledges it. A click that Slack delivers thrice has one name, and counts once. */
export async function onPress(
  ctx: Context,
  slack: SlackClient,
  { body, action, ack }: SlackActionMiddlewareArgs & AllMiddlewareArgs,
): Promise<void> {
  const press = body as BlockAction;
  const pressed = action as { action_ts?: string; value?: string };
  const team = press.team?.id ?? press.user.team_id ?? "";
  const channel = press.channel?.id ?? "";
  const messageTs = String(press.container.message_ts ?? "");
  const deliveryKey = ["press", team, messageTs, pressed.action_ts ?? "", press.user.id].join(":");
  const receipt = await receive(ctx, deliveryKey, {
    kind: "press",
    button: pressed.value ?? "",
    messageTs,
    ephemeral: press.container.is_ephemeral === true,
    team,
    user: press.user.id,
    channel,
    ...(press.channel?.name === undefined ? {} : { channelName: press.channel.name }),
    responseUrl: press.response_url,
  });
  await ack();
  const text = bad[receipt];
  if (text === undefined || !press.response_url) return;
  await respond(ctx, slack, press.response_url, { text, everyone: false }).catch((error: unknown) => {
    ctx.log.warn({ error: messageOf(error) }, "nobody could be told that a press was not recorded");
  });
}

/** Slack sends these three escaped. */
const unescape = (text: string): string =>
  text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** Makes a text that a JSON column takes; what is replaced is refused later, in words. */
const storable = (text: string): string => text.toWellFormed().replaceAll("\0", "\u0001");
