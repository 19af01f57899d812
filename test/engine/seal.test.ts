import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { openDriver } from "../../src/engine/drive.ts";
import {
  approve,
  engineContext,
  eventsOf,
  openEngineLab,
  planOf,
  propose,
  say,
  setRate,
  until,
  type EngineLab,
} from "./engine-lab.ts";
import { World } from "./world.ts";

let lab: EngineLab;
beforeAll(async () => {
  lab = await openEngineLab();
  await setRate(lab, 50);
});
afterAll(() => lab.close());

const edits: [what: string, edit: (runId: string) => Promise<unknown>][] = [
  [
    "an input of its plan",
    (runId) =>
      sql`update muster.run set plan = jsonb_set(plan, '{nodes,1,input,key}', '"other"') where id = ${runId}`.execute(
        lab.db,
      ),
  ],
  [
    "what was seen before it",
    (runId) => sql`update muster.run set facts = '{"seen": "otherwise"}' where id = ${runId}`.execute(lab.db),
  ],
  [
    "its plan and its hash",
    (runId) =>
      sql`update muster.run set plan = plan || '{"title": "something else"}', plan_hash = 'abc' where id = ${runId}`.execute(
        lab.db,
      ),
  ],
];
const because = "the plan in the database is not the one that people were shown";

describe("a run of which somebody changed", () => {
  it.each(edits)("%s is void before it starts", async (_what, edit) => {
    const world = new World(lab.clock);
    const ctx = engineContext({ db: lab.db, clock: lab.clock, worker: "one", steps: world.steps() });
    const driver = openDriver(ctx);
    const runId = await propose(lab.db, planOf(world.chain()));
    await edit(runId);
    await approve(ctx, runId);
    await driver.drive(runId);
    const events = await eventsOf(lab.db, runId);
    expect(events.find(({ kind }) => kind === "voided")).toMatchObject({ because: [because] });
    expect(events.at(-1)).toMatchObject({ kind: "ended", outcome: "cancelled" });
    expect(world.allEffects()).toEqual([0, 0, 0]);
    await driver.stop();
  });

  it.each(edits)("%s while it was parked ends there, and changes nothing more", async (_what, edit) => {
    const world = new World(lab.clock);
    world.refuses.set("b", "The world did not let Muster set b.");
    const ctx = engineContext({ db: lab.db, clock: lab.clock, worker: "one", steps: world.steps() });
    const driver = openDriver(ctx);
    const runId = await propose(lab.db, planOf(world.chain()));
    await approve(ctx, runId);
    await until("it parks", async () => {
      await Promise.race([driver.drive(runId), new Promise((resolve) => setTimeout(resolve, 20))]);
      return (await eventsOf(lab.db, runId)).some(({ kind }) => kind === "parked");
    });
    await driver.drive(runId);
    const effects = world.allEffects();
    world.refuses.clear();
    await edit(runId);
    await say(ctx, runId, { verb: "continue", by: "ben" });
    await driver.drive(runId);
    expect((await eventsOf(lab.db, runId)).at(-1)).toMatchObject({ kind: "ended", outcome: "failed", because });
    expect(world.allEffects()).toEqual(effects);
    expect(await lab.db.selectFrom("run_service").selectAll().where("run", "=", runId).execute()).toEqual([]);
    await driver.stop();
  });
});
