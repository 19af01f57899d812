#!/usr/bin/env -S node --max-semi-space-size=16
// Left alone, Node keeps 128 MB for new objects once its packages are loaded, of which Muster needs a tenth.
import { realpathSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { fileURLToPath } from "node:url";
import { secretsIn } from "./config.ts";
import { CannotContinue, messageOf, UserError, type Explanation } from "./errors.ts";
import { makeRedactor } from "./redact.ts";

// What was compiled is kept for the next start, where nobody else may write; where nobody may at all, nothing is kept.
enableCompileCache(join(homedir(), ".cache", "muster", "code"));

/** Runs `muster ...` for whoever is logged in here. */
async function main(): Promise<number> {
  const { runCli } = await import("./terminal.ts");
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  try {
    const ask = process.stdin.isTTY ? { ask: askHere } : {};
    return await runCli(process.argv.slice(2), { env: process.env, user: userInfo().username, print, ...ask });
  } catch (error) {
    const { happened, means, todo } = explanationOf(error);
    process.stderr.write(`${happened}${happened.endsWith("\n") ? "" : "\n"}${means}\n${todo}\n`);
    return 1;
  }
}

async function askHere(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await lines.question(question);
  } finally {
    lines.close();
  }
}

function explanationOf(error: unknown): Explanation {
  if (error instanceof UserError || error instanceof CannotContinue) return error.explanation;
  const redact = makeRedactor(new Set(secretsIn()));
  return {
    happened: `Something in Muster failed: ${redact(messageOf(error)).replace(/\.$/, "")}.`,
    means: "What was typed may have been done, in whole or in part.",
    todo: "Look with muster runs before you type it again; LOG_LEVEL=debug shows where it failed.",
  };
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  // Exits by itself once nothing is open any more; `serve` stays until it is told to stop.
  process.exitCode = await main();
}
