import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { press, runs, type Press } from "../../commands/runs.ts";
import { openDriver } from "../../src/engine/drive.ts";
import { parseEstate } from "../../src/estate-file.ts";
import { labEstate } from "../../src/lab/estate.ts";
import { engineContext, openEngineLab, planOf, propose, story, type EngineLab } from "./engine-lab.ts";
import { chain, makeSharedWorld, sharedSteps } from "./shared-world.ts";

let lab: EngineLab;
beforeAll(async () => {
  lab = await openEngineLab();
  await makeSharedWorld(lab.db);
});
afterAll(() => lab.close());

/** A run that waits for two approvals, a server that drives it, and what people press. */
async function openRun() {
  const { db, clock } = lab;
  const estate = parseEstate(labEstate({ replicas: 3, stabilitySeconds: 60 }), "estate.yaml");
  const ctx = engineContext({ db, clock, estate, worker: "one", steps: sharedSteps });
  const driver = openDriver(ctx);
  const runId = await propose(db, planOf(chain(crypto.randomUUID(), 2), { job: "failover" }));
  const presses = (key: string, more: Pick<Press, "verb" | "person"> & Partial<Press>) =>
    press(ctx, { runId, call: { id: key, place: { kind: "terminal" } }, ...more });
  /** Cleo declines it, and it ends. */
  const ends = async () => {
    await presses("decline", { verb: "decline", person: "cleo" });
    await driver.drive(runId);
  };
  const signals = () => db.selectFrom("signal").select(["verb", "by"]).where("run", "=", runId).execute();
  return { runId, driver, presses, ends, signals };
}

describe("a decision that reaches a run as it ends", () => {
  it("is answered as one about a run that is over, and not as noted", async () => {
    const { runId, driver, presses, ends, signals } = await openRun();
    // It ends between the look at it and the word to it.
    const late = presses("late", { verb: "approve", person: "ben", confirm: ends });
    await expect(late).rejects.toMatchObject({
      explanation: {
        happened: '"approve" was refused: the run is over (cancelled).',
        means: "Nothing was changed.",
        todo: `Look at the run: /muster runs show ${runId}.`,
      },
    });
    expect(await signals()).toEqual([{ verb: "decline", by: "cleo" }]);
    expect(await story(lab.db, runId)).toEqual(["proposed", "declined", "ended"]);
    await driver.stop();
  });

  it("is answered as noted where it was heard before, and its server died before it answered", async () => {
    const { runId, driver, presses, ends, signals } = await openRun();
    await presses("click", { verb: "approve", person: "ben" });
    await driver.drive(runId);
    await ends();
    const { lines } = await presses("click", { verb: "approve", person: "ben" });
    expect(lines).toEqual([expect.stringMatching(/^Noted: ben says "approve" to run /)]);
    expect(await signals()).toHaveLength(2);
    await driver.stop();
  });

  it("is answered as noted, too, where the run ends between the second look and the second word", async () => {
    const { driver, presses, ends, signals } = await openRun();
    await presses("click", { verb: "approve", person: "ben" });
    // Nobody drove the run yet, so that the click seems to count once more.
    const { lines } = await presses("click", { verb: "approve", person: "ben", confirm: ends });
    expect(lines).toEqual([expect.stringMatching(/^Noted: ben says "approve" to run /)]);
    expect(await signals()).toHaveLength(2);
    await driver.stop();
  });
});

describe("what is about all of a run", () => {
  /** A move of three services, under way. Ben sits at a terminal. */
  async function openRegion() {
    const { db, clock } = lab;
    const estate = parseEstate(labEstate({ replicas: 3, stabilitySeconds: 60 }), "estate.yaml");
    const ctx = engineContext({ db, clock, estate, worker: "one", steps: sharedSteps });
    const nodes = ["cart", "checkout", "search"].flatMap((service) =>
      chain(service, 1).map((one) => ({ ...one, id: `${service}/change`, service })),
    );
    const runId = await propose(db, planOf(nodes, { job: "failover-region" }));
    await db.insertInto("step_event").values({ run: runId, kind: "started", epoch: 0, payload: "{}" }).execute();
    const types = (...words: string[]) =>
      runs.run(ctx, { words, person: { name: "ben" }, place: { kind: "terminal" }, id: crypto.randomUUID() });
    const signals = () => db.selectFrom("signal").select(["verb", "by"]).where("run", "=", runId).execute();
    return { runId, types, signals };
  }

  it("is refused where it names a step: whoever would save one service would turn all of them back", async () => {
    const { runId, types, signals } = await openRegion();
    const back =
      "end the run. 3 of 3 services go back to where they were, last change first, and no later wave begins.";
    const would = {
      undo: back,
      cancel: back,
      abandon: "end the run for all of its 3 services as failed, with everything left as it is now.",
      hold: "hold all of its 3 services.",
      resume: "let all of its 3 services go on.",
    };
    for (const [verb, what] of Object.entries(would)) {
      await expect(types(verb, runId, "checkout/change")).rejects.toMatchObject({
        explanation: {
          happened: `"${verb}" is about all of run ${runId}, and never about one step of it such as "checkout/change".`,
          means: `Nothing was changed. It would ${what}`,
          todo: `Type /muster runs ${verb} ${runId} to say it to all of the run; to one step people say approve, decline, continue or waive.`,
        },
      });
    }
    expect(await signals()).toEqual([]);
  });

  it("is answered with what becomes of the services, where it turns them back", async () => {
    const { runId, types, signals } = await openRegion();
    const { lines } = await types("undo", runId);
    expect(lines).toEqual([
      `Noted: ben says "undo" to run ${runId}. Its thread tells what comes of it.`,
      "3 of 3 services go back to where they were, last change first, and no later wave begins.",
    ]);
    expect(await signals()).toEqual([{ verb: "undo", by: "ben" }]);
  });
});
