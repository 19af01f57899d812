import type { Context } from "../context.ts";
import { putOut } from "./put.ts";
import { tellRun } from "./tell-run.ts";

/** Tries of one message that fail before people hear of it by mail: about a minute. */
export const triesBeforeTelling = 7;

/** Mails the approvers that Slack shuts us out. At most once a day. */
export async function tellLockedOut(ctx: Context, because: string): Promise<void> {
  const day = ctx.now().toISOString().slice(0, 10);
  await mailApprovers(ctx, `slack-locked-out:${day}`, "Slack does not take Muster's token", [
    `Slack refuses Muster's token (${because}).`,
    "Runs go on; nothing is said in Slack, and no command or button there works.",
    "Install the app again, set SLACK_BOT_TOKEN (with Socket Mode also SLACK_APP_TOKEN) and restart Muster; until then use the terminal: muster runs.",
  ]);
}

/** Tells people, by another way, that a message of this thread has waited for a minute. A mail that waits is told by nobody. */
export async function tellWaiting(ctx: Context, thread: string, because: string): Promise<void> {
  const [kind, id = ""] = thread.split(":");
  if (kind === "statuspage") return tellPageAway(ctx, id, because);
  if (kind !== "mail") await tellAway(ctx, because);
}

/** Says in a run's thread that the status page is behind. At most once a run. */
async function tellPageAway(ctx: Context, run: string, because: string): Promise<void> {
  const line = [
    `The status page has taken nothing from Muster for about a minute: ${because}.`,
    "The run does not wait for it; what customers are told goes out in order when the page is back.",
    "Until then, tell them yourself.",
  ].join(" ");
  await tellRun(ctx.db, run, { key: `${run}:statuspage-away`, line });
}

/** Mails the approvers that messages have waited for a minute. At most once an hour. */
export async function tellAway(ctx: Context, because: string): Promise<void> {
  const hour = ctx.now().toISOString().slice(0, 13);
  await mailApprovers(ctx, `slack-away:${hour}`, "Slack takes no messages from Muster", [
    `Slack has taken no message from Muster for about a minute (${because}).`,
    "Runs go on; what is said about them arrives in order when Slack is back.",
    "Follow and decide in the terminal until then: muster runs.",
  ]);
}

/** Mails the approvers that no channel of the estate can be written to. At most once an hour. */
export async function tellHomeless(ctx: Context, channels: readonly string[], because: string): Promise<void> {
  const hour = ctx.now().toISOString().slice(0, 13);
  await mailApprovers(ctx, `slack-homeless:${hour}`, "No channel takes Muster's messages", [
    `Muster can write to none of its channels (${channels.join(", ")}): Slack says ${because}.`,
    "Runs go on; nothing of them is shown in Slack, and no button there can be pressed.",
    "Invite the app to one of these channels; until then follow and decide in the terminal: muster runs.",
  ]);
}

async function mailApprovers(ctx: Context, key: string, subject: string, lines: string[]): Promise<void> {
  if (!ctx.senders.has("mail")) return;
  const people = [...new Set([...ctx.estate.approvers, ...(ctx.estate.region_approvers ?? [])])];
  for (const name of people) {
    if (ctx.estate.people[name]?.mail === undefined) continue;
    const payload = { subject: `[Muster] ${subject}`, lines };
    await putOut(ctx.db, { thread: `mail:${name}`, dedupeKey: `${key}:${name}`, payload });
  }
}
