import { describe, expect, it } from "@jest/globals";
import { seeded, sweepSeed } from "./chance.ts";
import type { Choose, Fate } from "./play.ts";
import { inLanes, playSoundly } from "./sweep.ts";

const wanted = Number(process.env["SWEEP_PAIRS"] ?? 60);
const patienceMs = 120_000 + wanted * 30_000;

/** Two crashes: so many points after the pair before it, and so many points apart. */
type Pair = { after: number; apart: number };

describe(`${wanted} pairs of crash points (seed ${sweepSeed})`, () => {
  it(
    "a worker and its heir, abandoned one soon after the other: the run ends, and nothing is doubled",
    async () => {
      const random = seeded(sweepSeed);
      const draw = (least: number, most: number) => least + Math.floor(random() * (most - least));
      const pairs: Pair[] = Array.from({ length: wanted }, () => ({ after: draw(20, 90), apart: draw(1, 60) }));
      let [plays, made, crashes] = [0, 0, 0];
      // Plays in turn: each kind of failover, in trouble and without. Where the first pair falls is drawn anew.
      const fate = (): Fate & { start: number } => {
        plays += 1;
        const mode = plays % 2 === 1 ? "graceful" : "ungraceful";
        return { mode, trouble: plays % 4 < 2, seed: (sweepSeed + plays) % 1e9, start: draw(0, 300) };
      };
      // No generator: a lane that gives a pair back may go on after another has found none.
      const next = (): IteratorResult<ReturnType<typeof fate>, undefined> =>
        pairs.length > 0 ? { value: fate() } : { done: true, value: undefined };
      await inLanes(3, { [Symbol.iterator]: () => ({ next }) }, async ({ start, ...fate }) => {
        const taken: Pair[] = [];
        const played = await playSoundly(fate, chooser(start, pairs, taken));
        crashes += played.crashes.length;
        made += Math.floor(played.crashes.length / 2);
        // A pair whose second point was not reached is made in another play.
        if (played.crashes.length % 2 === 1) pairs.push(...taken.slice(-1));
      });
      process.stderr.write(`${made} pairs of crash points in ${plays} plays, ${crashes} crashes, seed ${sweepSeed}\n`);
      expect(made).toBeGreaterThanOrEqual(wanted);
    },
    patienceMs,
  );
});

/** Makes pair after pair, for as long as the run passes points. Renewals come with the wall clock, and do not count. */
function chooser(start: number, pairs: Pair[], taken: Pair[]): Choose {
  let left = start + (pairs[0]?.after ?? 0);
  let open: Pair | undefined;
  return (id) => {
    if (id.includes("db.renew")) return false;
    left -= 1;
    if (left > 0) return false;
    if (open) {
      open = undefined;
      left = pairs[0]?.after ?? Infinity;
      return true;
    }
    open = pairs.shift();
    if (!open) return false;
    taken.push(open);
    left = open.apart;
    return true;
  };
}
