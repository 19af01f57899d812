import { App } from "@slack/bolt";
import type { Command } from "../chat.ts";
import type { Context } from "../context.ts";
import { clientOptions, type SlackClient } from "../adapters/slack.ts";
import { onCommand, onPress } from "./listeners.ts";
import { boltLogger } from "./log.ts";
import { SocketReceiver } from "./socket.ts";

export type SlackApp = {
  /** How many connections Slack holds with us now; 0 means that nobody can click or type. */
  readonly connected: number;
  close(): Promise<void>;
};

/**
 * Listens to a workspace over Socket Mode: `/muster <verb>` and the bare commands of the estate that exist. It starts
 * without waiting for Slack, and connects again whenever it must.
 */
export async function openSlackApp(
  ctx: Context,
  slack: SlackClient,
  options: { commands: readonly Command[]; connections?: number; silenceMs?: number },
): Promise<SlackApp> {
  const { commands, ...socket } = options;
  const { settings } = slack;
  const logger = boltLogger(ctx.log);
  const receiver = new SocketReceiver({ settings, log: ctx.log, logger, ...socket });
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
  app.error((error) => {
    ctx.log.error({ error: error.message }, "a Slack listener failed");
    return Promise.resolve();
  });
  await app.start();
  return {
    get connected() {
      return receiver.connected;
    },
    close: () => receiver.stop(),
  };
}

/** Names the slash commands: /muster, and those of the estate's bare ones that Muster knows. */
export function slashCommands({ estate }: Pick<Context, "estate">, commands: readonly Command[]): string[] {
  const known = new Set(commands.map((command) => command.name));
  return ["muster", ...estate.bareCommands.filter((name) => known.has(name))].map((name) => `/${name}`);
}
