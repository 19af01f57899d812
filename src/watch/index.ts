import type { Context } from "../context.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { startTidyingProbes } from "./old-probes.ts";
import { startTidying } from "./old-rows.ts";
import { startOldSideWatch } from "./old-side.ts";
import { startProber } from "./prober.ts";
import type { Watch } from "./turn.ts";

/** Starts everything that is done without being asked; any number of processes may, one of them does. */
export function startWatches(ctx: Context): Watch {
  const watches = [
    startProber(ctx),
    startHeartbeat(ctx),
    startOldSideWatch(ctx),
    startTidying(ctx),
    startTidyingProbes(ctx),
  ];
  return {
    async stop() {
      await Promise.all(watches.map((watch) => watch.stop()));
    },
  };
}
