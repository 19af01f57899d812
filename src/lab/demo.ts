import { playDemo } from "./demo-story.ts";
import { readNumber, readTyped, runProgram } from "./terminal-entry.ts";

const usage = "npm run demo [-- [--region] [--graceful] [--kill-worker <step>] [--scale <lab seconds in a second>]]";

/** Any faster, calls to a lab on two cores would outlive their timeouts. */
const scales = [1, 60] as const;

/** Plays the main story by itself in a terminal. */
await runProgram("demo", async () => {
  const typed = readTyped(
    {
      graceful: { type: "boolean", default: false },
      region: { type: "boolean", default: false },
      "kill-worker": { type: "string" },
      scale: { type: "string" },
    },
    usage,
  );
  const killIn = typed["kill-worker"];
  const { figures } = await playDemo({
    graceful: typed.graceful,
    region: typed.region,
    ...(killIn === undefined ? {} : { killIn }),
    scale: readNumber(typed.scale ?? (typed.region ? "10" : "20"), scales, usage),
    print: (line) => void process.stdout.write(`${line}\n`),
  });
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  return figures.outcome === "done" ? 0 : 1;
});
