import { messageOf } from "../../src/errors.ts";
import { play, type Choose, type Fate, type Played } from "./play.ts";
import { expectSound } from "./soundness.ts";

/** Plays a fate and checks everything; what fails says how to see it again. */
export async function playSoundly(fate: Fate, choose: Choose): Promise<Played> {
  let played: Played | undefined;
  const crashedAt: string[] = [];
  const noting: Choose = (id) => {
    const crash = choose(id);
    if (crash) crashedAt.push(id);
    return crash;
  };
  let timeline: string[] = [];
  try {
    return await play(fate, noting, async (seen) => {
      played = seen;
      timeline = await seen.lab.timeline(seen.run.id);
      await expectSound(seen);
    });
  } catch (error) {
    const { mode, seed, trouble, traffic, database, kept } = fate;
    const again = JSON.stringify({ mode, seed, trouble, traffic, database, kept, at: crashedAt });
    throw new Error(
      [
        `${messageOf(error)}`,
        `A ${mode} failover${trouble ? " in trouble" : ""}, seed ${seed}, was abandoned at:`,
        ...crashedAt.map((at) => `  ${at}`),
        `See it again: SWEEP_REPLAY='${again}' npm test -- test/sweep/replay.test.ts`,
        `A person continued it ${played?.continued ?? 0} times. Its story:`,
        ...timeline.map((line) => `  ${line}`),
      ].join("\n"),
      { cause: error },
    );
  }
}

/** Does work for each of many, a few at a time. What fails ends its lane; the others end what they are at first. */
export async function inLanes<T>(count: number, work: Iterable<T>, each: (one: T) => Promise<void>): Promise<void> {
  const queue = work[Symbol.iterator]();
  const lane = async () => {
    for (let next = queue.next(); !next.done && failures.length === 0; next = queue.next()) {
      await each(next.value).catch((error: unknown) => failures.push(error));
    }
  };
  const failures: unknown[] = [];
  await Promise.all(Array.from({ length: count }, lane));
  if (failures.length > 0) throw failures[0];
}
