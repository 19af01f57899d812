import { App } from "@slack/bolt";
import type { Command } from "../chat.ts";
import type { Context } from "../context.ts";
import { clientOptions, type SlackClient } from "../adapters/slack-client.ts";
import { onCommand, onPress } from "./listeners.ts";
import { boltLogger } from "./log.ts";
import type { RequestReceiver } from "./requests.ts";
import { SocketReceiver } from "./socket.ts";

export type SlackApp = {
  /** How many connections Slack holds with us now; 0 means that nobody can click or type. Undefined where Slack posts to us. */
  readonly connected: number | undefined;
  close(): Promise<void>;
};

/**
 * Listens to a workspace, through the `door` that Slack posts to, or over Socket Mode where none is given: `/muster <verb>` and the bare
 * commands of the estate that exist. It starts without waiting for Slack, and connects again whenever it must.
 */
export async function openSlackApp(
  ctx: Context,
  slack: SlackClient,
  options: {
    commands: readonly Command[];
    door?: RequestReceiver | undefined;
    connections?: number;
    silenceMs?: number;
  },
): Promise<SlackApp> {
  const { commands, door, ...socket } = options;
  const { settings } = slack;
  const logger = boltLogger(ctx.log);
  const receiver = door ?? new SocketReceiver({ settings, log: ctx.log, logger, ...socket });
  const app = new App({
    receiver,
    logger,
    clientOptions: clientOptions(settings),
    // Bolt would ask auth.test before it starts; we start while Slack is away. Who may do what, identity.ts decides.
    authorize: () => Promise.resolve({ botToken: settings.botToken }),
    ignoreSelf: false,
  });
  for (const name of slashCommands(ctx, commands)) app.command(name, (args) => onCommand(ctx, slack, args));
  app.action(/^press:/, (args) => onPress(ctx, slack, args));
  // The receiver logs it, and answers.
  app.error((error) => Promise.reject(error));
  await app.start();
  return {
    get connected() {
      return receiver instanceof SocketReceiver ? receiver.connected : undefined;
    },
    close: () => receiver.stop(),
  };
}

/** Names the slash commands: /muster, and those of the estate's bare ones that Muster knows. */
function slashCommands({ estate }: Pick<Context, "estate">, commands: readonly Command[]): string[] {
  const known = new Set(commands.map((command) => command.name));
  return ["muster", ...estate.bareCommands.filter((name) => known.has(name))].map((name) => `/${name}`);
}
