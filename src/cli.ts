#!/usr/bin/env node
import { realpathSync } from "node:fs";
import { userInfo } from "node:os";
import { fileURLToPath } from "node:url";
import { UserError } from "./errors.ts";
import { runCli } from "./terminal.ts";

/** Runs `muster ...` for whoever is logged in here. */
async function main(): Promise<number> {
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  try {
    return await runCli(process.argv.slice(2), { env: process.env, user: userInfo().username, print });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { happened, means, todo } = error.explanation;
    process.stderr.write(`${happened}${happened.endsWith("\n") ? "" : "\n"}${means}\n${todo}\n`);
    return 1;
  }
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  // Exits by itself once nothing is open any more; `serve` stays until it is told to stop.
  process.exitCode = await main();
}
