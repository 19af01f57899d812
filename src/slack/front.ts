import { findJob, jobs } from "../../jobs/index.ts";
import type { Command } from "../chat.ts";
import type { Context } from "../context.ts";
import { makeSlack, type SlackSettings } from "../adapters/slack.ts";
import type { Desk } from "../inbox/answer.ts";
import type { CardSender, Sender } from "../outbox/sender.ts";
import { openSlackApp, type SlackApp } from "./app.ts";
import { cardSender } from "./card-sender.ts";
import { identifier } from "./identity.ts";
import { slackSenders } from "./sender.ts";

export { openMailSender } from "../outbox/mail.ts";

/** Everything of Slack that a process has. */
export type SlackFront = {
  senders: [kind: string, send: Sender][];
  cards: CardSender;
  identify: Desk["identify"];
  /** Starts to hear what people type and press. Goes on trying by itself while Slack is away. */
  listen(): Promise<void>;
  /** How many connections Slack holds with us; 0 means that nobody can type or press. */
  readonly connected: number;
  close(): Promise<void>;
};

/** Prepares a process for one workspace. Nothing is connected before `listen` or the first message. */
export function openSlackFront(
  ctx: Context,
  { commands, ...settings }: SlackSettings & { commands: readonly Command[] },
): SlackFront {
  const slack = makeSlack(settings);
  let app: SlackApp | undefined;
  return {
    senders: slackSenders(slack),
    cards: cardSender(slack, {
      preview: (name, plan, facts) => known(name)?.preview(plan, facts),
      // The moments stand in /muster runs show.
      report: async (inside, name, runId) => (await known(name)?.report?.(inside, runId))?.summary ?? [],
    }),
    identify: identifier(slack),
    async listen() {
      app = await openSlackApp(ctx, slack, { commands });
    },
    get connected() {
      return app?.connected ?? 0;
    },
    close: async () => app?.close(),
  };
}

/** A run of a newer Muster may be of a kind that this one does not have: its card shows less. */
const known = (name: string) => (jobs.some((job) => job.name === name) ? findJob(name) : undefined);
