import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { openDriver } from "../../src/engine/drive.ts";
import { loadJournal } from "../../src/engine/journal.ts";
import {
  approve,
  eventsOf,
  moveClock,
  openEngineLab,
  planOf,
  propose,
  say,
  setRate,
  story,
  until,
  type EngineLab,
} from "./engine-lab.ts";
import { drive, smallWorld } from "./small-world.ts";
import type { World } from "./world.ts";

let lab: EngineLab;
beforeAll(async () => {
  lab = await openEngineLab();
  await setRate(lab, 50);
});
afterAll(() => lab.close());

/** Has the changes of a key wait; returns how to let them go. */
function holdBack(world: World, key: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  world.waitsFor.set(key, promise);
  return resolve;
}

const outcomeOf = async (runId: string) => (await loadJournal(lab.db, runId))!.run.state;

describe("driving a run", () => {
  it("does three steps one after another once two people approved, and frees the service", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    const runId = await propose(lab.db, planOf(world.chain()));
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
        ["first-look", "intent", "applied", "done"].map((kind) => `${kind} ${world.service}/${name}`),
      ),
      "ended",
    ]);
    expect(await outcomeOf(runId)).toBe("done");
    expect(world.allEffects()).toEqual([1, 1, 1]);
    // Its requests go before those of whoever only looks.
    expect([...world.askedFor]).toEqual(["step"]);
    expect(await lab.db.selectFrom("run_service").selectAll().where("run", "=", runId).execute()).toEqual([]);
    await driver.stop();
  });

  it("tells people in the same statement: timeline, thread, mail, card", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    const runId = await propose(lab.db, planOf(world.chain()));
    await approve(ctx, runId);
    await driver.drive(runId);
    const lines = await lab.db.selectFrom("timeline").select("line").where("run", "=", runId).orderBy("seq").execute();
    expect(lines.at(0)?.line).toMatch(/^ben approved \(1 of 2\)/);
    expect(lines.at(-1)?.line).toMatch(/^Done: /);
    const posts = await lab.db
      .selectFrom("outbox")
      .select(["thread", "dedupe_key", "payload"])
      .where("dedupe_key", "like", `${runId}:%`)
      .orderBy("seq")
      .execute();
    expect(posts.filter((post) => post.thread === `run:${runId}`).at(-1)?.payload.lines[0]).toMatch(/^Done: /);
    expect(posts.some((post) => post.thread === "mail:ana" && post.payload.subject?.startsWith("[Muster] "))).toBe(
      true,
    );
    const events = await eventsOf(lab.db, runId);
    const card = await lab.db
      .selectFrom("card")
      .select("wanted_version")
      .where("run", "=", runId)
      .executeTakeFirstOrThrow();
    expect(card.wanted_version).toBeGreaterThan(events.length - 3);
    await driver.stop();
  });

  it("parks in the words of the refusal, and goes on when a person continues", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    world.refuses.set("b", "The world did not let Muster set b.");
    const runId = await propose(lab.db, planOf(world.chain()));
    await approve(ctx, runId);
    await drive(lab, driver, runId, "parked");
    const parked = (await eventsOf(lab.db, runId)).find((event) => event.kind === "parked");
    expect(parked).toMatchObject({
      because: "The world did not let Muster set b. Nothing was changed",
      todo: "Allow it.",
    });
    world.refuses.clear();
    await say(ctx, runId, { verb: "continue", by: "ben", step: `${world.service}/set-next` });
    await drive(lab, driver, runId, "ended");
    expect(world.allEffects()).toEqual([1, 1, 1]);
    await driver.stop();
  });

  it("undoes what it changed, last change first, and ends cancelled", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    world.refuses.set("c", "The world did not let Muster set c.");
    const runId = await propose(lab.db, planOf(world.chain()));
    await approve(ctx, runId);
    await drive(lab, driver, runId, "parked");
    await say(ctx, runId, { verb: "undo", by: "ben" });
    const lines = await drive(lab, driver, runId, "ended");
    expect(lines.filter((line) => line.startsWith("undone"))).toEqual(
      ["set-last", "set-next", "set"].map((name) => `undone ${world.service}/${name}`),
    );
    expect([world.value("a"), world.value("b")]).toEqual([0, 0]);
    expect(await outcomeOf(runId)).toBe("cancelled");
    await driver.stop();
  });

  it("refuses to go back once a one-way step has begun", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    world.refuses.set("c", "The world did not let Muster set c.");
    const runId = await propose(lab.db, planOf(world.chain(["set", "burn", "set-last"])));
    await approve(ctx, runId);
    await drive(lab, driver, runId, "parked");
    await say(ctx, runId, { verb: "cancel", by: "ben" });
    await drive(lab, driver, runId, "refused");
    expect(await story(lab.db, runId)).not.toContain("turned-back");
    await say(ctx, runId, { verb: "abandon", by: "ben" });
    await drive(lab, driver, runId, "ended");
    expect(await outcomeOf(runId)).toBe("failed");
    await driver.stop();
  });

  it("holds before the next change while a call is under way, and resumes", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    const letGo = holdBack(world, "a");
    const runId = await propose(lab.db, planOf(world.chain()));
    await approve(ctx, runId);
    void driver.drive(runId);
    await drive(lab, driver, runId, "intent");
    await say(ctx, runId, { verb: "hold", by: "ben" });
    await drive(lab, driver, runId, "held");
    letGo();
    await drive(lab, driver, runId, /done .*set$/);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(world.allEffects()).toEqual([1, 0, 0]);
    await say(ctx, runId, { verb: "resume", by: "cleo" });
    await drive(lab, driver, runId, "ended");
    expect(world.allEffects()).toEqual([1, 1, 1]);
    await driver.stop();
  });

  it("takes back a change that has sent nothing yet, when it is held or turned back", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    const runId = await propose(lab.db, planOf(world.chain(["gather"])));
    await approve(ctx, runId);
    void driver.drive(runId);
    await drive(lab, driver, runId, "intent");
    await say(ctx, runId, { verb: "hold", by: "ben" });
    await drive(lab, driver, runId, "call-failed");
    await say(ctx, runId, { verb: "resume", by: "ben" });
    const tries = async () => (await story(lab.db, runId)).filter((line) => line.startsWith("intent"));
    await until("it is tried again", async () => (await tries()).length === 2);
    await say(ctx, runId, { verb: "undo", by: "cleo" });
    const told = await drive(lab, driver, runId, "ended");
    expect(await outcomeOf(runId)).toBe("cancelled");
    expect(told.filter((line) => line.startsWith("undo-intent"))).toEqual([]);
    expect(world.allEffects()).toEqual([0, 0, 0]);
    await driver.stop();
  });

  it("starts what is ready side by side, and a slow step holds nothing else back", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    const letGo = holdBack(world, "a");
    const [a, b, c] = world.chain();
    const runId = await propose(
      lab.db,
      planOf([
        { ...a!, after: [] },
        { ...b!, after: [] },
        { ...c!, after: [b!.id] },
      ]),
    );
    await approve(ctx, runId);
    void driver.drive(runId);
    await drive(lab, driver, runId, `done ${c!.id}`);
    letGo();
    const lines = await drive(lab, driver, runId, "ended");
    expect(lines.indexOf(`done ${c!.id}`)).toBeLessThan(lines.indexOf(`done ${a!.id}`));
    await driver.stop();
  });
});

describe("a proposal", () => {
  it("expires after 15 minutes, and no approval revives it", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    const runId = await propose(lab.db, planOf(world.chain()));
    await say(ctx, runId, { verb: "approve", by: "ben" });
    await driver.drive(runId);
    await moveClock(lab, 15 * 60);
    // The driver's own timer, set when it released the run, wakes it.
    await until("it ended", async () => (await story(lab.db, runId)).includes("ended"));
    expect(await say(ctx, runId, { verb: "approve", by: "cleo" })).toBe("over");
    expect(await story(lab.db, runId)).toEqual(["proposed", "approved", "expired", "ended"]);
    await driver.stop();
  });

  it("is void, by name, when a claim broke after it was approved", async () => {
    const { world, ctx, driver } = smallWorld(lab, { brokenClaims: () => Promise.resolve(["west no longer answers"]) });
    const runId = await propose(lab.db, planOf(world.chain()));
    await approve(ctx, runId);
    await drive(lab, driver, runId, "ended");
    const voided = (await eventsOf(lab.db, runId)).find((event) => event.kind === "voided");
    expect(voided).toMatchObject({ because: ["west no longer answers"] });
    expect(world.allEffects()).toEqual([0, 0, 0]);
    expect(await lab.db.selectFrom("run_service").selectAll().where("run", "=", runId).execute()).toEqual([]);
    await driver.stop();
  });

  it("is void when another run has the service, and that run is named", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    world.refuses.set("a", "The world did not let Muster set a.");
    const plan = planOf(world.chain(), { locks: [world.service] });
    const first = await propose(lab.db, plan);
    await approve(ctx, first);
    await drive(lab, driver, first, "parked");
    const second = await propose(lab.db, plan);
    await approve(ctx, second);
    await drive(lab, driver, second, "ended");
    const voided = (await eventsOf(lab.db, second)).find((event) => event.kind === "voided");
    expect(voided).toMatchObject({
      because: [expect.stringContaining(`${world.service} is in the hands of run ${first}`)],
    });
    await driver.stop();
  });

  it("counts a click that is delivered three times once, and a requester's not at all", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    const runId = await propose(lab.db, planOf(world.chain()));
    const click = { verb: "approve" as const, by: "ben", key: "click-1" };
    expect(await Promise.all([1, 2, 3].map(() => say(ctx, runId, click)))).toEqual(
      expect.arrayContaining(["sent", "known"]),
    );
    await say(ctx, runId, { verb: "approve", by: "ana" });
    await driver.drive(runId);
    expect(await story(lab.db, runId)).toEqual(["proposed", "approved", "refused"]);
    expect(await say(ctx, "nobody", { verb: "approve", by: "ben" })).toBe("no such run");
    await driver.stop();
  });
});

describe("stopping", () => {
  it("waits for the call under way, writes its outcome and hands the run over at once", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    const letGo = holdBack(world, "a");
    const runId = await propose(lab.db, planOf(world.chain()));
    await approve(ctx, runId);
    void driver.drive(runId);
    await until("the call is under way", async () =>
      (await story(lab.db, runId)).some((line) => line.startsWith("intent")),
    );
    const stopped = driver.stop();
    setTimeout(letGo, 100);
    await stopped;
    expect((await story(lab.db, runId)).at(-1)).toMatch(/^applied/);
    const other = openDriver({ ...ctx, worker: "two" });
    await other.drive(runId);
    expect(await story(lab.db, runId)).not.toContain("taken-over");
    expect(await outcomeOf(runId)).toBe("done");
    expect(world.allEffects()).toEqual([1, 1, 1]);
    await other.stop();
  });

  it("does not wait for a change of many calls: it leaves off between two, and the next worker goes on from there", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    const runId = await propose(lab.db, planOf(world.chain(["climb"])));
    await approve(ctx, runId);
    // Seconds on the wall between two calls, not tenths: it must not be through before it is told to stop.
    await setRate(lab, 5);
    void driver.drive(runId);
    await until("it has begun", () => Promise.resolve(world.effects("a") > 0));
    await driver.stop();
    await setRate(lab, 50);
    expect((await story(lab.db, runId)).at(-1)).toMatch(/^intent/);
    expect(world.value("a")).toBeLessThan(7);
    const other = openDriver({ ...ctx, worker: "two" });
    await drive(lab, other, runId, "ended");
    expect(await story(lab.db, runId)).not.toContain("taken-over");
    expect((await story(lab.db, runId)).filter((line) => /failed/.test(line))).toEqual([]);
    expect(world.effects("a")).toBe(7);
    await other.stop();
  });
});
