import { askForSocket, botScopes, getApp, type SlackApp } from "../adapters/slack-app.ts";
import { saidBySlack } from "../adapters/slack-trouble.ts";
import type { SlackClient } from "../adapters/slack-client.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, type Finding } from "./finding.ts";

const manifest = "docs/slack-manifest.yaml has them all; install the app again after a change.";

/** Whether Slack takes both tokens, and lets the app do what it must. */
export const slack: Check = {
  name: "Slack",
  async look(ctx) {
    const client = ctx.slack;
    if (!client) return [];
    const [bot, socket] = await Promise.all([lookAtBot(ctx, client), lookAtSocket(ctx, client)]);
    return [...bot, socket];
  },
};

async function lookAtBot(ctx: DoctorContext, client: SlackClient): Promise<Finding[]> {
  try {
    const app = await getApp(ctx, client);
    const { workspace } = ctx.estate;
    const elsewhere = workspace !== undefined && workspace !== app.team;
    return [
      elsewhere
        ? otherWorkspace(app, workspace)
        : ok("Slack's bot token", `${app.bot} in ${app.teamName} (${app.team})`),
      ...scopesOf(app),
    ];
  } catch (error) {
    return [
      broken("Slack's bot token", {
        happened: `Slack did not take the bot's token (${saidBySlack(error)}).`,
        means: "Nothing can be said in Slack, and nobody who types there is known.",
        todo: "Set SLACK_BOT_TOKEN to the token of the app's OAuth page (xoxb-...); if Slack does not answer, see SLACK_API_URL.",
      }),
    ];
  }
}

const otherWorkspace = ({ team, teamName }: SlackApp, wanted: string): Finding =>
  broken("Slack's bot token", {
    happened: `The bot's token is of the workspace ${teamName} (${team}), and the estate says ${wanted}.`,
    means: "Everybody who types in that workspace is refused.",
    todo: "Set SLACK_BOT_TOKEN to a token of the estate's workspace, or correct workspace in the estate file.",
  });

function scopesOf({ scopes }: SlackApp): Finding[] {
  const lacking = Object.entries(botScopes).filter(([scope]) => !scopes.includes(scope));
  if (lacking.length === 0) return [ok("Slack's scopes", "all that Muster needs")];
  return lacking.map(([scope, means]) =>
    broken("Slack's scopes", {
      happened: `The bot's token lacks the scope ${scope}.`,
      means: `Without it ${means}.`,
      todo: `Add ${scope} under Bot Token Scopes; ${manifest}`,
    }),
  );
}

async function lookAtSocket(ctx: DoctorContext, client: SlackClient): Promise<Finding> {
  const subject = "Slack's Socket Mode";
  if (client.settings.appToken === undefined)
    return ok("Slack's way in", "it posts to /slack/events, which no look from here can try; type /muster help there");
  try {
    await askForSocket(ctx, client);
    return ok(subject, "the app-level token opens a connection");
  } catch (error) {
    return broken(subject, {
      happened: `Slack did not let the app-level token open a connection (${saidBySlack(error)}).`,
      means: "Nothing that people type or press in Slack arrives.",
      todo: "Turn Socket Mode on, and set SLACK_APP_TOKEN to an app-level token (xapp-...) with connections:write.",
    });
  }
}
