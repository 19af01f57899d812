import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { openDriver } from "../../src/engine/drive.ts";
import { use, type PlanNode } from "../../src/engine/plan.ts";
import { step, unknown, type AnyStep, type Step } from "../../src/engine/step.ts";
import {
  approve,
  engineContext,
  eventsOf,
  moveClock,
  openEngineLab,
  planOf,
  propose,
  quiet,
  story,
  until,
  type EngineLab,
} from "./engine-lab.ts";

let lab: EngineLab;
beforeAll(async () => {
  lab = await openEngineLab();
});
afterAll(() => lab.close());

/** A step that only looks, and what it sees is in the hands of the test. */
function watching(
  look: () => Promise<{ ready: boolean; pods: number }>,
  more: Partial<Step<object, { ready: boolean; pods: number }>> = {},
) {
  const watch = step<object, { ready: boolean; pods: number }>({
    name: "watch",
    title: () => "wait until all is ready",
    observe: look,
    missing: ({ ready, pods }) => (ready ? undefined : `${pods} of 10 pods are ready`),
    undo: { nothing: "it only looks" },
    patienceSeconds: 900,
    settleSeconds: 0,
    pollSeconds: 60,
    ...more,
  });
  return {
    node: use(watch, crypto.randomUUID().slice(0, 8), {}),
    steps: new Map([["watch", watch as unknown as AnyStep]]),
  };
}

async function start(
  node: PlanNode,
  steps: ReadonlyMap<string, AnyStep>,
  more: Parameters<typeof engineContext>[0] | object = {},
) {
  const ctx = engineContext({ db: lab.db, clock: lab.clock, worker: "one", log: quiet, steps, ...more });
  const driver = openDriver(ctx);
  const runId = await propose(lab.db, planOf([node]));
  await approve(ctx, runId);
  return { driver, runId };
}

const ownerOf = async (runId: string) =>
  (await lab.db.selectFrom("run").select("owner").where("id", "=", runId).executeTakeFirstOrThrow()).owner;
const has = (runId: string, kind: string) =>
  until(`the run has "${kind}"`, async () => (await story(lab.db, runId)).some((line) => line.startsWith(kind)));

/** Fifteen minutes in strides that are each less than a minute past the next look, so that nobody takes it for an absence. */
async function passFifteenMinutes(runId: string, looks: () => number) {
  for (let stride = 1; stride <= 8; stride += 1) {
    const before = looks();
    await moveClock(lab, 115);
    await until("it looked again and rests", async () => looks() > before && (await ownerOf(runId)) === null);
  }
}

describe("a step that waits", () => {
  it("does not hold its run between two looks that are a minute apart, and says little", async () => {
    const seen = { ready: false, pods: 1 };
    let looks = 0;
    const { node, steps } = watching(() => {
      looks += 1;
      seen.pods += 1;
      return Promise.resolve({ ...seen });
    });
    const { driver, runId } = await start(node, steps);
    await driver.drive(runId);
    for (let minute = 1; minute <= 6; minute += 1) {
      expect(await ownerOf(runId)).toBeNull();
      expect(looks).toBe(minute);
      if (minute === 6) seen.ready = true;
      await moveClock(lab, 61);
      await until("it looked again and rests", async () => looks > minute && (await ownerOf(runId)) === null);
    }
    await has(runId, "ended");
    expect((await story(lab.db, runId)).filter((line) => line.startsWith("taken-over"))).toEqual([]);
    const done = (await eventsOf(lab.db, runId)).find((event) => event.kind === "done");
    expect(done).toMatchObject({ result: { ready: true, pods: 8 } });
    await driver.stop();
  });

  it("parks in the words of what it cannot look at, once patience is over; and asks nobody before", async () => {
    let looks = 0;
    const refused = () => {
      looks += 1;
      return Promise.reject(new Error("the API answers 503"));
    };
    const { node, steps } = watching(refused, { acceptsUnknown: () => true });
    const { driver, runId } = await start(node, steps);
    await driver.drive(runId);
    expect(await story(lab.db, runId)).not.toContain(`parked ${node.id}`);
    await passFifteenMinutes(runId, () => looks);
    await has(runId, "parked");
    const parked = (await eventsOf(lab.db, runId)).find((event) => event.kind === "parked");
    expect(parked).toMatchObject({
      because: expect.stringMatching(/the API answers 503; that is still so after 15 minutes$/),
    });
    await driver.stop();
  });

  it("has its patience whole again when nothing of Muster looked for fifteen minutes", async () => {
    const { node, steps } = watching(() => Promise.reject(new Error("the API answers 503")));
    const { driver, runId } = await start(node, steps);
    await driver.drive(runId);
    await moveClock(lab, 901);
    await has(runId, "taken-up-late");
    await until("it rests", async () => (await ownerOf(runId)) === null);
    expect((await story(lab.db, runId)).filter((line) => line.startsWith("parked"))).toEqual([]);
    await driver.stop();
  });

  it("ends with what cannot be seen as its result, where the step said so itself and the plan allows for it", async () => {
    let looks = 0;
    const blind = () => {
      looks += 1;
      return Promise.resolve(unknown("east does not answer") as never);
    };
    const { node, steps } = watching(blind, { acceptsUnknown: () => true });
    const { driver, runId } = await start(node, steps);
    await driver.drive(runId);
    await passFifteenMinutes(runId, () => looks);
    await has(runId, "ended");
    const done = (await eventsOf(lab.db, runId)).find((event) => event.kind === "done");
    expect(done).toMatchObject({ result: { unknown: "east does not answer" } });
    await driver.stop();
  });

  it("of a kind this Muster does not know parks, and nothing is done in its name", async () => {
    const { node } = watching(() => Promise.resolve({ ready: true, pods: 10 }));
    const { driver, runId } = await start(node, new Map());
    await driver.drive(runId);
    const parked = (await eventsOf(lab.db, runId)).find((event) => event.kind === "parked");
    expect(parked).toMatchObject({ because: 'This Muster has no step "watch". Nothing was changed by it' });
    await driver.stop();
  });
});

describe("an approved run", () => {
  it("whose claims cannot be looked at starts as soon as they can", async () => {
    const { node, steps } = watching(() => Promise.resolve({ ready: true, pods: 10 }));
    let answers = false;
    const brokenClaims = () => (answers ? Promise.resolve([]) : Promise.reject(new Error("no answer")));
    const { driver, runId } = await start(node, steps, { brokenClaims });
    await driver.drive(runId);
    expect(await story(lab.db, runId)).toEqual(["proposed", "approved", "approved"]);
    answers = true;
    await moveClock(lab, 6);
    await has(runId, "ended");
    expect(await story(lab.db, runId)).toContain("started");
    await driver.stop();
  });

  it("that a newer Muster made is left to it", async () => {
    const { node, steps } = watching(() => Promise.resolve({ ready: true, pods: 10 }));
    const { driver, runId } = await start(node, steps);
    await lab.db.updateTable("run").set({ engine_version: 1_000 }).where("id", "=", runId).execute();
    await driver.drive(runId);
    expect(await story(lab.db, runId)).toEqual(["proposed"]);
    await driver.stop();
  });
});
