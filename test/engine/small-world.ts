import type { Context } from "../../src/context.ts";
import { openDriver, type Driver } from "../../src/engine/drive.ts";
import { engineContext, story, until, type EngineLab } from "./engine-lab.ts";
import { World } from "./world.ts";

/** A world of three keys, and a worker that knows its steps. */
export function smallWorld(lab: EngineLab, parts: Partial<Context> = {}) {
  const world = new World(lab.clock);
  const ctx = engineContext({ db: lab.db, clock: lab.clock, worker: "one", steps: world.steps(), ...parts });
  return { world, ctx, driver: openDriver(ctx) };
}

/** Drives until something is so. Nobody rings: a signal is followed by a drive, as in a terminal. */
export async function drive(lab: EngineLab, driver: Driver, runId: string, wanted: string | RegExp): Promise<string[]> {
  return until(
    `the journal has "${String(wanted)}"`,
    async () => {
      await Promise.race([driver.drive(runId), new Promise((resolve) => setTimeout(resolve, 20))]);
      const lines = await story(lab.db, runId);
      return lines.some((line) => line.includes(String(wanted)) || line.match(wanted)) && lines;
    },
    20_000,
  );
}
