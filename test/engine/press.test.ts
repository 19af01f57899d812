import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { press, type Press } from "../../commands/runs.ts";
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
