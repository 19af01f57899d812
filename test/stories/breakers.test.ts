import { describe, expect, it, jest } from "@jest/globals";
import { Breakers } from "../../src/breaker.ts";
import { openDriver } from "../../src/engine/drive.ts";
import { east, endpointOf, west } from "../../src/lab/estate.ts";
import { openLab } from "../../src/lab/lab.ts";
import { beatOnce } from "../../src/watch/heartbeat.ts";
import { approve, engineContext, openEngineLab, planOf, propose, quiet, setRate, until } from "../engine/engine-lab.ts";
import { World } from "../engine/world.ts";
import { seeded } from "../sweep/chance.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

/** A busy machine is not a lost lease, nor a call that nobody answers. */
const patient = { leaseMs: 10_000, callTimeoutMs: 5000 };

describe("while a region is dead", () => {
  it("its targets are left in peace by what can wait; the card says so, and the run tries all of them", async () => {
    await using lab = await openLab({ strideSeconds: 5 });
    const { breakers } = lab.ctx();
    const failing = () => breakers?.failing().map(({ target }) => target) ?? [];
    await lab.time.pass(20);
    expect(failing()).toEqual([]);
    await lab.setRegionDead(east, true);
    const database = `postgres ${endpointOf(east)}`;
    const { checkout } = lab.ctx().estate.services;
    for (let times = 0; times < 20 && !failing().includes(database) && checkout; times += 1)
      await beatOnce(lab.ctx(), "checkout", checkout).catch(() => undefined);
    await lab.asks();
    const runId = await lab.newestRun();
    expect((await lab.card()).text).toMatch(
      new RegExp(
        `Muster's calls have been failing: .*${database} since \\d\\d:\\d\\d UTC.* The run tries each of them`,
      ),
    );
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
    const [told] = await lab.query<{ count: number }>(
      "select count(*)::int from muster.step_event where run = $1 and payload::text like '%was not asked%'",
      [runId],
    );
    expect(told?.count).toBe(0);
    await lab.setRegionDead(east, false);
    await lab.time.until("its breaker closes", () => !failing().includes(database), 6 * 3600);
  });
});

describe("a run whose target fails half of what it is asked", () => {
  it("is driven to its end through an open breaker, and none of its calls is kept back", async () => {
    const lab = await openEngineLab();
    await setRate(lab, 200);
    // Drawn the same each time: somewhere in a run that nothing happened to, no call might fail.
    const world = new World(lab.clock, seeded(1));
    world.errorRate = 0.5;
    const breakers = new Breakers({ now: () => lab.clock.now(), log: quiet, isTrouble: () => true });
    const outcomes: string[] = [];
    const states = new Set<string>();
    const meters = {
      call(target: string, outcome: string) {
        outcomes.push(`${target} ${outcome}`);
        for (const { state } of breakers.states()) states.add(state);
      },
      step: () => undefined,
      run: () => undefined,
      lease: () => undefined,
      slackRefused: () => undefined,
    };
    const ctx = engineContext({
      ...lab,
      worker: "one",
      steps: world.steps(),
      breakers,
      meters,
      log: quiet,
      ...patient,
    });
    // Nothing but silence at first, so that the breaker is open before the run begins to succeed.
    const broken = () => Promise.reject(new Error("silence"));
    for (let time = 0; time < 5; time += 1) await breakers.through("world", broken, () => false).catch(() => undefined);
    expect(breakers.states()).toEqual([{ target: "world", state: "open" }]);
    const runId = await propose(lab.db, planOf(world.chain()));
    await approve(ctx, runId);
    const driver = openDriver(ctx);
    await driver.drive(runId);
    const ended = async () =>
      (await lab.db.selectFrom("run").select("outcome").where("id", "=", runId).executeTakeFirst())?.outcome === "done";
    await until("the run is done", ended, 60_000);
    await driver.stop();
    expect(world.allEffects()).toEqual([1, 1, 1]);
    expect(outcomes.filter((outcome) => outcome === "world not-tried")).toEqual([]);
    expect(outcomes.filter((outcome) => outcome === "world trouble").length).toBeGreaterThan(0);
    await lab.close();
  });
});
