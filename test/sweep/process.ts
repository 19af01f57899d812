import { brokenClaims } from "../../jobs/propose.ts";
import { Activity } from "../../src/call.ts";
import { readConfig } from "../../src/config.ts";
import { openSweep } from "../../src/engine/sweep.ts";
import { openContext } from "../../src/main.ts";

/**
 * A worker as a process of its own, which sends itself a signal the first time it passes a point whose name begins as
 * told, or inside a wait of a step ("timer <step>").
 */
const [worker = "", at = "", signal = ""] = process.argv.slice(2);
process.on("disconnect", () => process.exit(0));

let armed = at !== "";
const strike = () => {
  armed = false;
  process.kill(process.pid, signal);
  // Woken again, it ends what it was in the middle of, and takes nothing new.
  void sweep.stop();
};
const point = (name: string) => {
  if (armed && name.startsWith(at)) strike();
  return Promise.resolve();
};
const activity = new Activity();
const waiting = activity.waiting.bind(activity);
activity.waiting = (name, wait) =>
  waiting(name, () => {
    const waited = wait();
    if (armed && `timer ${name}` === at) strike();
    return waited;
  });
const nothing = () => undefined;
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const { ctx, driver } = await openContext(readConfig(), { worker, point, activity, log });
// Looks before the start are no changes: on a busy machine they may outlast a lease that is renewed meanwhile.
ctx.brokenClaims = (runId) => brokenClaims({ ...ctx, callTimeoutMs: 1000 }, runId);
for (const name of Object.keys(ctx.estate.clusters)) await ctx.clients.cluster(name).prepare();
const sweep = openSweep(ctx, driver);
