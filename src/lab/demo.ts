import { parseArgs } from "node:util";
import { messageOf, UserError } from "../errors.ts";
import { playDemo } from "./demo-story.ts";

/** Plays the main story by itself in a terminal: `npm run demo [-- --graceful] [-- --kill-worker <step>]`. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      graceful: { type: "boolean", default: false },
      "kill-worker": { type: "string" },
      scale: { type: "string" },
    },
  });
  const killIn = values["kill-worker"];
  const figures = await playDemo({
    graceful: values.graceful,
    ...(killIn === undefined ? {} : { killIn }),
    scale: Number(values.scale ?? 20),
    print: (line) => void process.stdout.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  return figures.outcome === "done" ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  const words =
    error instanceof UserError
      ? error.message
      : `The demo broke: ${messageOf(error)}. Nothing outside this machine was touched. Start it again.`;
  process.stderr.write(`${words}\n${error instanceof UserError ? "" : `${(error as Error).stack}\n`}`);
  process.exitCode = 1;
}
