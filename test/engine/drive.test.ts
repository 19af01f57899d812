import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Context } from "../../src/context.ts";
import { openDriver } from "../../src/engine/drive.ts";
import { use } from "../../src/engine/plan.ts";
import type { Step } from "../../src/engine/step.ts";
import {
  approve,
  engineContext,
  openEngineLab,
  planOf,
  propose,
  setRate,
  story,
  type EngineLab,
} from "./engine-lab.ts";
import { World } from "./world.ts";

let lab: EngineLab;
beforeAll(async () => {
  lab = await openEngineLab();
  await setRate(lab, 50);
});
afterAll(() => lab.close());

type Setter = Step<{ key: string; value: number }, never>;

function smallWorld(parts: Partial<Context> = {}) {
  const world = new World(lab.clock, parts.random ?? Math.random);
  const steps = world.steps();
  const service = crypto.randomUUID().slice(0, 8);
  const set = (name: string, key: string, after: ReturnType<typeof use>[] = []) =>
    use(steps.get(name) as unknown as Setter, service, { key, value: 7 }, { after });
  const first = set("set", "a");
  const next = set("set-next", "b", [first]);
  const plan = planOf([first, next, set("set-last", "c", [next])], { locks: [service] });
  const ctx = engineContext({ db: lab.db, clock: lab.clock, worker: "one", steps, ...parts });
  return { world, plan, ctx, service };
}

const outcomeOf = async (runId: string) =>
  (await lab.db.selectFrom("run").select("outcome").where("id", "=", runId).executeTakeFirstOrThrow()).outcome;

describe("driving a run", () => {
  it("does three steps one after another once two people approved, and frees the service", async () => {
    const { ctx, plan, world, service } = smallWorld();
    const driver = openDriver(ctx);
    const runId = await propose(lab.db, plan);
    await driver.drive(runId);
    expect(await story(lab.db, runId)).toEqual(["proposed"]);
    await approve(ctx, runId);
    await driver.drive(runId);
    expect(await story(lab.db, runId)).toEqual([
      "proposed",
      "approved",
      "approved",
      "started",
      ...["set", "set-next", "set-last"].flatMap((name) =>
        ["first-look", "intent", "applied", "done"].map((kind) => `${kind} ${service}/${name}`),
      ),
      "ended",
    ]);
    expect(await outcomeOf(runId)).toBe("done");
    expect([world.effects("a"), world.effects("b"), world.effects("c")]).toEqual([1, 1, 1]);
    expect(await lab.db.selectFrom("run_service").selectAll().where("run", "=", runId).execute()).toEqual([]);
    await driver.stop();
  });
});
