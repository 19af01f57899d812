import { expect, it } from "@jest/globals";
import { sweepSeed } from "./chance.ts";
import { isStable, isWaitTold, nameOf, stepOf, Targets } from "./points.ts";
import type { Played } from "./play.ts";
import type { Mode } from "./stage.ts";
import { inLanes, playSoundly } from "./sweep.ts";

const nightly = process.env["SWEEP_PAIRS"] !== undefined;
const lanes = 3;
const patienceMs = 900_000;

const say = (line: string) => void process.stderr.write(`${line}\n`);

/**
 * The claims of a whole sweep over one kind of failover. The points are those that a failover without a crash passes;
 * a point is a place in the code with the number of its passing, because a step looks more than once. `steps` must be in it.
 */
export function sweepEveryPoint(mode: Mode, { steps = [] }: { steps?: string[] } = {}): { whole: () => Played } {
  let whole: Played;
  let ids: string[] = [];

  it(
    "is sound when nobody is abandoned",
    async () => {
      whole = await playSoundly({ mode, seed: sweepSeed, trouble: false }, () => false);
      ids = whole.points.filter(isStable);
      expect(ids.length).toBeGreaterThan(300);
      expect([...new Set(ids.map(stepOf))]).toEqual(expect.arrayContaining(steps));
      say(`${mode}: ${ids.length} crash points of ${new Set(ids.map(nameOf)).size} names, seed ${sweepSeed}`);
    },
    patienceMs,
  );

  // By day, trouble goes with every crash; at night, crashes are also seen alone, with fewer of them in one step.
  if (nightly) {
    it(
      "is sound with workers abandoned at every point, at most three times in a step",
      async () => {
        await sweep(new Targets(ids), { trouble: false, perStep: 3 });
      },
      patienceMs,
    );
  }

  it(
    "is sound with workers abandoned at every point, 30 % of the calls failing and reads that lag",
    async () => {
      await sweep(new Targets(ids), { trouble: true });
    },
    patienceMs,
  );

  /** Plays until every target was crashed at. */
  async function sweep(targets: Targets, { trouble, perStep }: { trouble: boolean; perStep?: number }): Promise<void> {
    const startedAt = performance.now();
    let [plays, crashes, parked] = [0, 0, 0];
    let fruitless = 0;
    function* seeds() {
      // A target that is not passed any more (one look fewer was needed) is not waited for for ever.
      while (targets.left.size > 0 && fruitless < 2 * lanes) yield (sweepSeed + (plays += 1)) % 1e9;
    }
    await inLanes(lanes, seeds(), async (seed) => {
      const played = await playSoundly({ mode, seed, trouble }, targets.chooser(perStep ? { perStep } : {}));
      fruitless = played.crashes.length === 0 ? fruitless + 1 : 0;
      crashes += played.crashes.length;
      parked += played.continued;
    });
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    const missed = [...targets.left];
    say(
      `${mode}${trouble ? " in trouble" : ""}: ${targets.count - missed.length} of ${targets.count} points crashed at, ` +
        `in ${plays} plays with ${crashes} crashes; a person continued ${parked} times; ${seconds} s`,
    );
    // What was not passed again can only be a further pass of a place that was crashed at before, or the telling of a wait: who
    // looks late has nothing to wait for.
    expect(missed.filter((id) => !targets.hasCrashedAt(id) && !isWaitTold(id))).toEqual([]);
    expect(missed.length).toBeLessThanOrEqual(targets.count * 0.05);
  }

  return { whole: () => whole };
}
