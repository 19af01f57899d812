import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { approve, moveClock, openEngineLab, planOf, propose, say, story, until, type EngineLab } from "./engine-lab.ts";
import { drive, smallWorld } from "./small-world.ts";

let lab: EngineLab;
beforeAll(async () => {
  lab = await openEngineLab();
});
afterAll(() => lab.close());

describe("a gate", () => {
  it("asks, reminds at 5 and 10 minutes, waits for ever, and goes on when two said yes", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    const [a, b] = world.chain();
    const gate = world.gate("losing 5 s of orders", [a!]);
    const runId = await propose(lab.db, planOf([a!, gate, { ...b!, after: [gate.id] }]));
    await approve(ctx, runId);
    await drive(lab, driver, runId, "asked");
    const reminders = async () => (await story(lab.db, runId)).filter((line) => line.startsWith("reminded")).length;
    for (const count of [1, 2]) {
      await moveClock(lab, 5 * 60);
      await until("people are reminded", async () => (await reminders()) >= count);
    }
    await moveClock(lab, 600 * 60);
    await driver.drive(runId);
    expect(await reminders()).toBe(2);
    await say(ctx, runId, { verb: "approve", by: "ben", step: gate.id });
    await say(ctx, runId, { verb: "approve", by: "cleo", step: gate.id });
    await drive(lab, driver, runId, "ended");
    expect(world.effects("b")).toBe(1);
    await driver.stop();
  });
});

describe("silence", () => {
  it("is reminded of at 5 and 10 minutes while a plan waits for its approvals, and ends at 15", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    const runId = await propose(lab.db, planOf(world.chain()));
    await say(ctx, runId, { verb: "approve", by: "ben" });
    await driver.drive(runId);
    for (const lines of [["approval-reminded"], ["approval-reminded"], ["expired", "ended"]]) {
      const before = (await story(lab.db, runId)).length;
      await moveClock(lab, 5 * 60);
      await until("it is told", async () => (await story(lab.db, runId)).length >= before + lines.length);
      await driver.drive(runId);
      expect((await story(lab.db, runId)).slice(before)).toEqual(lines);
    }
    const mails = await lab.db.selectFrom("outbox").select("payload").where("thread", "like", `%${runId}%`).execute();
    expect(JSON.stringify(mails)).toContain("Still waiting for approval");
    await driver.stop();
  });

  it("is reminded of at 5 and 10 minutes while a step is parked", async () => {
    const { world, ctx, driver } = smallWorld(lab);
    world.refuses.set("a", "The world did not let Muster set a.");
    const runId = await propose(lab.db, planOf(world.chain()));
    await approve(ctx, runId);
    await drive(lab, driver, runId, "parked");
    const reminders = async () => (await story(lab.db, runId)).filter((line) => line.startsWith("reminded")).length;
    for (const count of [1, 2]) {
      await moveClock(lab, 5 * 60);
      await until("people are reminded", async () => (await reminders()) >= count);
    }
    await moveClock(lab, 3600);
    await driver.drive(runId);
    expect(await reminders()).toBe(2);
    await driver.stop();
  });
});
