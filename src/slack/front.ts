import { findJob, jobs } from "../../jobs/index.ts";
import type { Command } from "../chat.ts";
import type { Context } from "../context.ts";
import { makeSlack, type SlackSettings } from "../adapters/slack-client.ts";
import type { Desk } from "../inbox/answer.ts";
import type { CardSender, Sender } from "../outbox/sender.ts";
import { openSlackApp, type SlackApp } from "./app.ts";
import { cardSender } from "./card-sender.ts";
import { chartSender } from "./chart-sender.ts";
import { identifier } from "./identity.ts";
import { drawRun } from "./run-picture.ts";
import { RequestReceiver, type Door } from "./requests.ts";
import { slackSenders } from "./sender.ts";

export { openMailSender } from "../outbox/mail.ts";

/** Everything of Slack that a process has. */
export type SlackFront = {
  senders: [kind: string, send: Sender][];
  cards: CardSender;
  identify: Desk["identify"];
  /** Where Slack posts to; undefined with Socket Mode. */
  door: Door | undefined;
  /** Starts to hear what people type and press. Goes on trying by itself while Slack is away. */
  listen(): Promise<void>;
  /** How many connections Slack holds with us; 0 means that nobody can type or press. Undefined where Slack posts to us. */
  readonly connected: number | undefined;
  close(): Promise<void>;
};

/**
 * Prepares a process for one workspace: Socket Mode with an app token, else the door for what Slack posts. Nothing is connected
 * before `listen` or the first message.
 */
export function openSlackFront(
  ctx: Context,
  {
    commands,
    signingSecret = "",
    ...settings
  }: SlackSettings & { commands: readonly Command[]; signingSecret?: string | undefined },
): SlackFront {
  const slack = makeSlack(settings);
  const posted =
    settings.appToken === undefined
      ? new RequestReceiver({
          signingSecret,
          log: ctx.log,
          now: () => ctx.now(),
          team: () => ctx.estate.workspace,
          refused: (reason) => ctx.meters?.slackRefused(reason),
        })
      : undefined;
  if (!posted && signingSecret !== "") {
    ctx.log.warn(
      {},
      "SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set: Socket Mode is used, and Slack's path is closed",
    );
  }
  let app: SlackApp | undefined;
  return {
    door: posted?.door,
    senders: [...slackSenders(slack), chartSender(slack, drawRun)],
    cards: cardSender(slack, {
      preview: (name, plan, facts) => known(name)?.preview(plan, facts),
      // The moments stand in /muster runs show.
      report: async (inside, name, runId) => (await known(name)?.report?.(inside, runId))?.summary ?? [],
    }),
    identify: identifier(slack),
    async listen() {
      app = await openSlackApp(ctx, slack, { commands, door: posted });
    },
    get connected() {
      return posted ? undefined : (app?.connected ?? 0);
    },
    close: async () => app?.close(),
  };
}

/** A run of a newer Muster may be of a kind that this one does not have: its card shows less. */
const known = (name: string) => (jobs.some((job) => job.name === name) ? findJob(name) : undefined);
