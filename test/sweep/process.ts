import { writeSync } from "node:fs";
import { brokenClaims } from "../../jobs/propose/propose.ts";
import { Activity } from "../../src/activity.ts";
import { readConfig } from "../../src/config.ts";
import { openSweep } from "../../src/engine/sweep.ts";
import { openContext } from "../../src/main.ts";

/**
 * A worker as a process of its own, which sends itself a signal the first time it passes a point whose name begins with one
 * of those told, or is inside a wait of a step ("timer <step>"). Which one that was it says on stdout.
 */
const [worker = "", signal = "", ...at] = process.argv.slice(2);
process.on("disconnect", () => process.exit(0));

let armed = true;
const strike = (point: string) => {
  armed = false;
  writeSync(process.stdout.fd, point);
  process.kill(process.pid, signal);
  // Woken again, it ends what it was in the middle of, and takes nothing new.
  void sweep.stop();
};
const point = (name: string) => {
  const told = armed ? at.find((start) => name.startsWith(start)) : undefined;
  if (told) strike(told);
  return Promise.resolve();
};
const activity = new Activity();
const waiting = activity.waiting.bind(activity);
activity.waiting = (name, wait) =>
  waiting(name, () => {
    const waited = wait();
    const timer = `timer ${name}`;
    if (armed && at.includes(timer)) strike(timer);
    return waited;
  });
const nothing = () => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const { ctx, driver } = await openContext(readConfig(), { worker, point, activity, log });
// Looks before the start are no changes: on a busy machine they may outlast a lease that is renewed meanwhile.
ctx.brokenClaims = (runId) => brokenClaims({ ...ctx, callTimeoutMs: 3000 }, runId);
for (const name of Object.keys(ctx.estate.clusters)) await ctx.clients.cluster(name).prepare();
const sweep = openSweep(ctx, driver);
