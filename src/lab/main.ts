import { userInfo } from "node:os";
import { parseArgs } from "node:util";
import { messageOf, UserError } from "../errors.ts";
import { openHouse } from "./open-house.ts";

/** Where the page is unless another port is named. */
const defaultPort = 4114;

/** Keeps a lab open, with a page in the browser, until it is interrupted: `npm run lab [-- --port <number>]`. */
async function main(): Promise<void> {
  const port = readPort(process.argv.slice(2));
  const stopped = new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, resolve);
  });
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  print("Opening two regions on this machine ...");
  const house = await openHouse({ port, user: userInfo().username });
  print(`The lab is open at ${house.url}`);
  print("In another terminal, in this folder, you are ana:");
  print(`  . ${house.settingsPath}; npx muster failover us-west-2 checkout --dry-run`);
  print("Press Ctrl-C to end it. Everything in it is thrown away then.");
  await stopped;
  print("Closing the lab ...");
  await house.close();
}

function readPort(words: string[]): number {
  const { values } = parseArgs({ args: words, options: { port: { type: "string" } } });
  const port = Number(values.port ?? defaultPort);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UserError({
    happened: `"${values.port}" is not a port.`,
    means: "The lab was not opened.",
    todo: "Name a whole number from 0 to 65535, or none.",
  });
}

try {
  await main();
} catch (error) {
  const words =
    error instanceof UserError
      ? error.message
      : `The lab broke: ${messageOf(error)}. Nothing outside this machine was touched. Start it again.`;
  process.stderr.write(`${words}\n${error instanceof UserError ? "" : `${(error as Error).stack}\n`}`);
  process.exitCode = 1;
}
