import { botScopes } from "../adapters/slack-app.ts";
import { stringify } from "yaml";
import type { Command } from "../chat.ts";
import { UserError } from "../errors.ts";
import { slackPath } from "./requests.ts";

type App = {
  commands: readonly Command[];
  /** Verbs that also get a slash command of their own; those that are no command count for nothing. */
  bareCommands: readonly string[];
  /** Where Slack reaches Muster from outside (https://muster.example.com); undefined is Socket Mode. */
  url?: string | undefined;
};

/**
 * Slash commands that are Slack's own: one of them, and Slack refuses the whole manifest. Slack publishes no list; these are those of
 * its clients, with the ones that were seen to be refused.
 */
export const slackOwnNames: readonly string[] =
  `active apps archive away call canvas collapse dm dnd expand feed help huddle invite join keys kick leave list me msg mute open
  part people prefs pro remind remove rename search shortcuts shrug star status topic unarchive who`.split(/\s+/);

/**
 * Writes the manifest of the Slack app, as YAML: what a workspace's admin pastes to make it.
 * @throws UserError for a name that Slack would refuse, or an address that it could not post to.
 * @see https://docs.slack.dev/reference/app-manifest
 */
export function slackManifest({ commands, bareCommands, url }: App): string {
  const bare = commands.filter(({ name }) => bareCommands.includes(name));
  const wrong = bare.find(({ name }) => slackOwnNames.includes(name));
  if (wrong) throw refused(wrong.name);
  const to = url === undefined ? undefined : requestUrl(url);
  const words = (usage: string) => usage.slice(usage.indexOf(" ") + 1);
  const slash = (command: string, description: string, usage_hint: string) => ({
    command,
    ...(to === undefined ? {} : { url: to }),
    description,
    usage_hint,
    should_escape: false,
  });
  const slashCommands = [
    slash("/muster", "Runs, help, and every other verb.", "help"),
    ...bare.map(({ name, summary, usage }) => slash(`/${name}`, summary, words(usage))),
  ];
  const manifest = {
    display_information: { name: "Muster", description: "Moves a business out of a broken region." },
    features: { bot_user: { display_name: "Muster", always_online: true }, slash_commands: slashCommands },
    oauth_config: { scopes: { bot: Object.keys(botScopes) } },
    settings: {
      interactivity: { is_enabled: true, ...(to === undefined ? {} : { request_url: to }) },
      socket_mode_enabled: to === undefined,
      token_rotation_enabled: false,
    },
  };
  return stringify(manifest, { lineWidth: 0 });
}

function requestUrl(url: string): string {
  if (URL.canParse(url)) {
    const { protocol, origin, pathname } = new URL(url);
    if (protocol === "https:" && pathname === "/") return `${origin}${slackPath}`;
  }
  throw new UserError({
    happened: `Slack cannot post to "${url}".`,
    means: "No manifest was written.",
    todo: "Give the address that Slack reaches Muster at, such as https://muster.example.com, without a path.",
  });
}

const refused = (name: string): UserError =>
  new UserError({
    happened: `Slack would refuse the slash command "/${name}": it is one of its own.`,
    means: "No manifest was written: Slack refuses all of one with such a command.",
    todo: `Take "${name}" out of the estate's bareCommands; /muster ${name} works without it.`,
  });
