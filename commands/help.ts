import type { Command } from "../src/chat.ts";

/** Makes the command that lists the others. */
export function helpFor(commands: readonly Command[]): Command {
  return {
    name: "help",
    usage: "/muster help",
    summary: "Lists what Muster can be told.",
    run: () =>
      Promise.resolve({
        lines: [
          ...commands.flatMap(({ usage, summary }) => [usage, `    ${summary}`]),
          "Each also works in a terminal: muster failover us-west-2 checkout --dry-run.",
        ],
      }),
  };
}
