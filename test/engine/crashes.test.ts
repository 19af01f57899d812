import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Context } from "../../src/context.ts";
import { openDriver } from "../../src/engine/drive.ts";
import { openSweep } from "../../src/engine/sweep.ts";
import {
  approve,
  engineContext,
  eventsOf,
  openEngineLab,
  planOf,
  propose,
  quiet,
  setRate,
  story,
  until,
  type EngineLab,
} from "./engine-lab.ts";
import { World } from "./world.ts";

const leaseMs = 300;
let lab: EngineLab;
beforeAll(async () => {
  lab = await openEngineLab();
  await setRate(lab, 50);
});
afterAll(() => lab.close());

/** Numbers that look random and are the same again for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A worker that stops for good at its n-th crash point, as a killed process does; `wake` is the SIGCONT of a stopped one. */
function crashingAt(n: number) {
  const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
  const passed: string[] = [];
  let isAwake = false;
  const point = async (name: string) => {
    if (isAwake) return;
    // Renewals come with the wall clock: counted, they would move every other point.
    if (name.endsWith("db.renew")) return passed.length >= n ? woken : undefined;
    passed.push(name);
    if (passed.length >= n) await woken;
  };
  return {
    passed,
    point,
    wake: () => {
      isAwake = true;
      wake();
    },
  };
}

type Fate = { seed: number; crashAt: number; errorRate: number; readLagSeconds: number };

/** Plays a run of three steps whose worker stops at a point, lets another finish it, then wakes the first. */
async function play({ seed, crashAt, errorRate, readLagSeconds }: Fate) {
  const world = new World(lab.clock, randomFrom(seed));
  Object.assign(world, { errorRate, readLagSeconds });
  const crash = crashingAt(crashAt);
  const common: Partial<Context> = { leaseMs, callTimeoutMs: 120, log: quiet, steps: world.steps() };
  const context = (worker: string, parts: Partial<Context>) =>
    engineContext({ db: lab.db, clock: lab.clock, worker, ...common, ...parts });

  const runId = await propose(lab.db, planOf(world.chain()));
  // People take their time: only who drives has short calls.
  await approve(context("people", { callTimeoutMs: 10_000 }), runId);
  const zombie = openDriver(context("zombie", { point: crash.point }));
  await until(
    `it stops or finishes (seed ${seed}, point ${crashAt})`,
    async () => {
      // Again, because a worker that was too slow for its own lease lets go, and no sweep is here to call it.
      await Promise.race([zombie.drive(runId), new Promise((resolve) => setTimeout(resolve, 50))]);
      return crash.passed.length >= crashAt || (await story(lab.db, runId)).includes("ended");
    },
    30_000,
  );
  const points = crash.passed.length;
  const alone = (await eventsOf(lab.db, runId)).length;

  const heir = openDriver(context("heir", {}));
  await until(
    `the heir finishes (seed ${seed}, point ${crashAt}: ${crash.passed[crashAt - 1]})`,
    async () => {
      await Promise.race([heir.drive(runId), new Promise((resolve) => setTimeout(resolve, 50))]);
      return (await story(lab.db, runId)).includes("ended");
    },
    30_000,
  );

  const before = await eventsOf(lab.db, runId);
  const changes = world.changes.length;
  crash.wake();
  await new Promise((resolve) => setTimeout(resolve, 60));
  await Promise.all([zombie.stop(), heir.stop()]);
  const after = await eventsOf(lab.db, runId);
  return {
    runId,
    world,
    points,
    alone,
    name: crash.passed[crashAt - 1],
    passed: crash.passed,
    before,
    after,
    changesByZombie: world.changes.length - changes,
  };
}

/** What a crash point awaits: a journal write's point also names what is written. */
const kindOf = (point: string) => point.replace(/(db\.journal) .*/, "$1");

async function inLanes<T>(count: number, work: T[], each: (one: T) => Promise<void>): Promise<void> {
  const queue = work.values();
  await Promise.all(
    Array.from({ length: count }, async () => {
      for (const one of queue) await each(one);
    }),
  );
}

/** What must be so after every fate. */
function expectSound(
  { world, alone, before, after, changesByZombie, ...played }: Awaited<ReturnType<typeof play>>,
  fate: Fate,
) {
  const state = { fate, at: played.name };
  // Effects once; the zombie, woken after the end, does and writes nothing.
  expect({ ...state, effects: world.allEffects(), changesByZombie, late: after.length - before.length }).toEqual({
    ...state,
    effects: [1, 1, 1],
    changesByZombie: 0,
    late: 0,
  });
  // No call without a journalled intent, one "done" a step, and never a row under an epoch that was over.
  const kinds = after.map((event) => event.kind);
  expect(kinds.filter((kind) => kind === "done")).toHaveLength(3);
  expect(kinds.filter((kind) => kind === "ended")).toHaveLength(1);
  expect(after.map((event) => event.epoch)).toEqual(after.map((event) => event.epoch).toSorted((a, b) => a - b));
  // On a busy machine each may be too slow for its own lease, and goes on under its next one.
  const taken = after.slice(alone).flatMap((event) => (event.kind === "taken-over" ? [event] : []));
  expect(taken.filter(({ to }) => to === undefined)).toEqual([]);
  const takenFrom = taken.map(({ from }) => from);
  expect(takenFrom.filter((worker) => worker !== "heir").length).toBeLessThanOrEqual(1);
}

describe("a worker that stops at any crash point", () => {
  it("loses nothing and doubles nothing, and writes nothing when it wakes", async () => {
    const whole = await play({ seed: 1, crashAt: Infinity, errorRate: 0, readLagSeconds: 0 });
    expect(whole.points).toBeGreaterThan(50);
    const fates = Array.from({ length: whole.points }, (_, index) => ({
      seed: index,
      crashAt: index + 1,
      errorRate: 0,
      readLagSeconds: 0,
    }));
    const crashed = new Set<string>();
    await inLanes(8, fates, async (fate) => {
      const played = await play(fate);
      expectSound(played, fate);
      crashed.add(kindOf(played.name ?? ""));
    });
    // Every kind of await that leaves the engine was stopped at, on both sides. Plays differ in their order of points,
    // so one that no play met is looked for where it stands in this one.
    const wanted = ["db.lease", "db.load-journal", "db.read-signals", "db.journal", "world.Get", "world.Set"].flatMap(
      (name) => [`before ${name}`, `after ${name}`],
    );
    const missed = () => wanted.filter((kind) => !crashed.has(kind));
    for (let more = 0; more < 20 && missed().length > 0; more += 1) {
      const crashAt = whole.passed.findIndex((name) => kindOf(name) === missed()[0]) + 1;
      const fate = { seed: 1000 + more, crashAt, errorRate: 0, readLagSeconds: 0 };
      const played = await play(fate);
      expectSound(played, fate);
      crashed.add(kindOf(played.name ?? ""));
    }
    expect(missed()).toEqual([]);
  }, 120_000);

  it("the same with 30 % of the calls failing, half of them after the effect, and reads that lag 6 seconds", async () => {
    const seed = Math.floor(Math.random() * 1e6);
    const fates = Array.from({ length: 40 }, (_, index) => ({
      seed: seed + index,
      crashAt: 2 + index * 3,
      errorRate: 0.3,
      readLagSeconds: 6,
    }));
    await inLanes(8, fates, async (fate) => expectSound(await play(fate), fate));
  }, 120_000);

  it("would be seen to double an effect, were the settle window shorter than the lag", async () => {
    const seed = Math.floor(Math.random() * 1e6);
    let doubled = 0;
    const fates = Array.from({ length: 24 }, (_, index) => ({
      seed: seed + index,
      crashAt: Infinity,
      // As above. With more, a step now and then fails eight times in a row, and parks.
      errorRate: 0.3,
      readLagSeconds: 40,
    }));
    await inLanes(8, fates, async (fate) => {
      const { world } = await play(fate);
      if (world.allEffects().some((effects) => effects > 1)) doubled += 1;
    });
    expect(doubled).toBeGreaterThan(0);
  }, 120_000);
});

describe("Muster's own Postgres", () => {
  it("restarts as after a crash while runs go on: they end, and no effect is doubled", async () => {
    const worlds = Array.from({ length: 4 }, () => new World(lab.clock));
    const workers = worlds.map((world, index) =>
      engineContext({
        db: lab.db,
        clock: lab.clock,
        worker: `w${index}`,
        leaseMs: 1_000,
        callTimeoutMs: 400,
        log: quiet,
        steps: world.steps(),
      }),
    );
    for (const world of worlds) for (const key of ["a", "b", "c"]) world.slowMs.set(key, 150);
    const runs = await Promise.all(worlds.map((world) => propose(lab.db, planOf(world.chain()))));
    await Promise.all(runs.map((runId, index) => approve(workers[index]!, runId)));
    const drivers = workers.map((ctx) => openDriver(ctx));
    runs.forEach((runId, index) => void drivers[index]!.drive(runId));
    await until("calls are under way", async () =>
      (await Promise.all(runs.map((runId) => story(lab.db, runId)))).every((lines) =>
        lines.some((line) => line.startsWith("intent")),
      ),
    );
    await lab.server.restartImmediate();
    await until(
      "all have ended",
      async () => {
        runs.forEach((runId, index) => void drivers[index]!.drive(runId));
        const lines = await Promise.all(runs.map((runId) => story(lab.db, runId)));
        return lines.every((each) => each.includes("ended"));
      },
      30_000,
    );
    expect(worlds.map((world) => world.allEffects())).toEqual(worlds.map(() => [1, 1, 1]));
    await Promise.all(drivers.map((driver) => driver.stop()));
  }, 60_000);
});

describe("the sweep", () => {
  it("drives more due runs than one batch holds at once, each by one worker", async () => {
    const worlds = new World(lab.clock);
    const contexts = ["left", "right"].map((worker) =>
      engineContext({ db: lab.db, clock: lab.clock, worker, steps: worlds.steps(), log: quiet }),
    );
    const runs = await Promise.all(
      Array.from({ length: 60 }, () => propose(lab.db, planOf([worlds.gate("", [])], { needed: 0, locks: [] }))),
    );
    const sweeps = contexts.map((ctx) => openSweep(ctx, openDriver(ctx)));
    await until(
      "all have ended",
      async () =>
        (await lab.db.selectFrom("run").select("id").where("id", "in", runs).where("state", "=", "done").execute())
          .length === 60,
    );
    await Promise.all(sweeps.map((sweep) => sweep.stop()));
    const lines = await Promise.all(runs.map((runId) => story(lab.db, runId)));
    expect(lines.filter((each) => each.filter((line) => line === "started").length !== 1)).toEqual([]);
  });
});
