import { userInfo } from "node:os";
import { openHouse } from "./open-house.ts";
import { readNumber, readTyped, runProgram } from "./terminal-entry.ts";

const usage = "npm run lab [-- --port <number>]";

/** Where the page is unless another port is named, or somebody has it. */
const defaultPort = "4114";

/** Keeps a lab open, with a page in the browser, until it is interrupted. */
await runProgram("lab", async () => {
  const { port } = readTyped({ port: { type: "string", default: defaultPort } }, usage);
  const print = (line: string) => void process.stdout.write(`${line}\n`);
  const stopped = new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, resolve);
  });
  const wanted = { port: readNumber(port, [0, 65_535], usage), user: userInfo().username };
  print("Opening two regions on this machine ...");
  const house = await openHouse(wanted);
  print(`The lab is open at ${house.url}`);
  print("In another terminal, in this folder, you are ana:");
  print(`  . ${house.settingsPath}; npx muster failover us-west-2 checkout --dry-run`);
  print("Press Ctrl-C to end it. Everything in it is thrown away then.");
  await stopped;
  print("Closing the lab ...");
  await house.close();
  return 0;
});
