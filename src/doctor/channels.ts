import { botScopes, findChannels, type Channel } from "../adapters/slack-app.ts";
import { saidBySlack } from "../adapters/slack-trouble.ts";
import type { Check } from "./check.ts";
import { broken, ok, type Finding } from "./finding.ts";

/** Whether the estate's channels are there, and the app is in them. */
export const channels: Check = {
  name: "the channels of the estate",
  async look(ctx) {
    const { slack, estate } = ctx;
    if (!slack) return [];
    const names = Object.values(estate.channels).filter((name) => name !== undefined);
    try {
      const found = await findChannels(ctx, slack, names);
      return names.map((name) => judgeChannel(name, found.get(name)));
    } catch (error) {
      return [
        broken("the channels of the estate", {
          happened: `Slack did not show its channels (${saidBySlack(error)}).`,
          means: `If it is a scope that is missing, ${botScopes["channels:read"]}: Muster hears nobody there.`,
          todo: "Put right what is said of Slack above, then type muster doctor again.",
        }),
      ];
    }
  },
};

function judgeChannel(name: string, channel: Channel | undefined): Finding {
  const subject = `the channel ${name}`;
  const means = `Muster neither speaks in ${name} nor takes commands there.`;
  if (!channel) {
    return broken(subject, {
      happened: `Slack shows no channel ${name} to the app.`,
      means,
      todo: "Make it, or correct its name in the estate file; into a private one the app must be invited before it sees it.",
    });
  }
  if (channel.archived) {
    return broken(subject, {
      happened: `The channel ${name} is archived.`,
      means,
      todo: "Unarchive it, or name another one in the estate file.",
    });
  }
  if (!channel.member) {
    return broken(subject, {
      happened: `The app is not in the channel ${name}.`,
      means,
      todo: `Type /invite @Muster in ${name}.`,
    });
  }
  return ok(subject, `the app is in it (${channel.id})`);
}
