import type { Command } from "../src/chat.ts";
import { UserError } from "../src/errors.ts";
import { closest, readOptions, shorten } from "../src/options.ts";

const usage = "/muster help [command]";

/** Makes the command that lists the others, or tells of one. */
export function helpFor(commands: readonly Command[]): Command {
  const help: Command = {
    name: "help",
    usage,
    summary: "Lists what Muster can be told.",
    run(_ctx, { words }) {
      const { positional } = readOptions(words, { known: {}, positions: 1, usage });
      const shown = positional.length === 0 ? commands : [find([...commands, help], positional[0] ?? "")];
      return Promise.resolve({
        lines: [
          ...shown.flatMap(({ usage: typed, summary }) => [typed, `    ${summary}`]),
          "Each also works in a terminal: muster failover us-west-2 checkout --dry-run.",
          "Only there: muster doctor says what would not work, muster --help what else there is.",
        ],
      });
    },
  };
  return help;
}

function find(commands: readonly Command[], name: string): Command {
  const found = commands.find((command) => command.name === name.replace(/^\//, ""));
  if (found) return found;
  const names = commands.map((command) => command.name);
  throw new UserError({
    happened: `"${shorten(name)}" is nothing Muster can be told.${closest(name, names)}`,
    means: "Nothing was changed.",
    todo: `Type ${usage}, with one of: ${names.join(", ")}.`,
  });
}
