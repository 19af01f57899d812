import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { sql } from "kysely";
import { drawOne } from "../../src/outbox/cards.ts";
import { drainOne } from "../../src/outbox/drain.ts";
import { putOut } from "../../src/outbox/put.ts";
import { eventually, freeze, openOffice, proposeRun, say, threadOf, timeIsOver, type Office } from "../slack/office.ts";

let office: Office;
beforeEach(async () => {
  office = await openOffice();
  await office.stopOutbox();
  await proposeRun(office);
});
afterEach(() => office.close());

const drain = (kind: string) => drainOne(office.ctx, kind);
const states = async () => {
  const { rows } = await sql<{ state: string }>`
    select state from muster.outbox where thread not like 'mail:%' order by seq`.execute(office.ctx.db);
  return rows.map(({ state }) => state);
};
const frozenAt = (point: string, kind = "run") =>
  freeze(
    office,
    (name) => name === point,
    (ctx) => drainOne(ctx, kind),
  );

/** A line that may have arrived: whoever takes it looks first. */
async function doubtful(line: string): Promise<void> {
  await drawOne(office.ctx, office.cards);
  await say(office, [line]);
  await sql`update muster.outbox set state = 'sending' where thread = 'run:r1'`.execute(office.ctx.db);
}

const look = "after slack.conversations.replies";

describe("a post in the hands of a process that froze", () => {
  it.each([
    ["before it looked whether an earlier one arrived", "outbox taken"],
    ["when it had looked", look],
  ])("%s is another's, and is posted once though the first wakes up", async (_when, point) => {
    await doubtful("one");
    const first = await frozenAt(point);
    expect(await drain("run")).toBe(false);
    await timeIsOver(office);
    expect(await drain("run")).toBe(true);
    expect(await first.wake()).toBe(true);
    expect([threadOf(office), await states()]).toEqual([["one"], ["sent"]]);
  });

  it("before it was ever tried is posted once as well, and what the first notes of it does not count", async () => {
    await drawOne(office.ctx, office.cards);
    await say(office, ["one"]);
    const first = await frozenAt("outbox taken");
    await timeIsOver(office);
    expect(await drain("run")).toBe(true);
    await first.wake();
    expect([threadOf(office), await states()]).toEqual([["one"], ["sent"]]);
    expect(await drain("run")).toBe(false);
  });

  it("as a card is posted once", async () => {
    const draws = (ctx: Office["ctx"]) => drawOne(ctx, office.cards);
    const first = await freeze(office, (name) => name === "card taken", draws);
    await timeIsOver(office);
    expect(await draws(office.ctx)).toBe(true);
    const { rows: before } = await sql`select * from muster.card`.execute(office.ctx.db);
    await first.wake();
    expect(office.slack.messages("C01")).toHaveLength(1);
    expect((await sql`select * from muster.card`.execute(office.ctx.db)).rows).toEqual(before);
  });

  it("as a chart is seen once", async () => {
    await drawOne(office.ctx, office.cards);
    const chart = { thread: "chart:r1", dedupeKey: "chart", payload: { lines: ["What happened when."] } };
    await putOut(office.ctx.db, chart);
    const first = await frozenAt("outbox taken", "chart");
    await timeIsOver(office);
    expect(await drain("chart")).toBe(true);
    await first.wake();
    expect([threadOf(office), await states()]).toEqual([["What happened when."], ["sent"]]);
  });
});

describe("a post in the hands of a process that lives", () => {
  it("stays there for as long as it looks whether an earlier one arrived", async () => {
    await doubtful("one");
    const doNotFake = ["Date", "hrtime", "nextTick", "performance", "queueMicrotask"] as const;
    const timers = ["setImmediate", "clearImmediate", "setTimeout", "clearTimeout"] as const;
    // Only what comes again and again: a third of the time that a row is held passes at once.
    jest.useFakeTimers({ doNotFake: [...doNotFake, ...timers] });
    try {
      const first = await frozenAt(look);
      for (let third = 1; third <= 6; third += 1) {
        await timeIsOver(office);
        jest.advanceTimersByTime(15_000);
        await eventually(async () => (await isHeld()) || undefined);
        expect(await drain("run")).toBe(false);
      }
      expect(await first.wake()).toBe(true);
      await timeIsOver(office);
      jest.advanceTimersByTime(60_000);
    } finally {
      jest.useRealTimers();
    }
    expect([threadOf(office), await states(), await isHeld()]).toEqual([["one"], ["sent"], false]);
  });
});

async function isHeld(): Promise<boolean> {
  const { rows } = await sql`
    select from muster.outbox where thread = 'run:r1' and taken_until > clock_timestamp()`.execute(office.ctx.db);
  return rows.length > 0;
}
