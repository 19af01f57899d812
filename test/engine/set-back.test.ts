import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { absorb } from "../../src/engine/absorb.ts";
import { append } from "../../src/engine/append.ts";
import { HighWater, type Position } from "../../src/engine/high-water.ts";
import { leaseRun } from "../../src/engine/lease.ts";
import { explainSetBack, holdEverything, isInJournal, lookBack } from "../../src/engine/set-back.ts";
import type { EventBody } from "../../src/engine/events.ts";
import { fold } from "../../src/engine/fold.ts";
import {
  approve,
  engineContext,
  eventsOf,
  openEngineLab,
  planOf,
  propose,
  quiet,
  say,
  setRate,
  story,
  type EngineLab,
} from "./engine-lab.ts";
import { drive, smallWorld } from "./small-world.ts";
import { World } from "./world.ts";

let lab: EngineLab;
beforeAll(async () => {
  lab = await openEngineLab();
  await setRate(lab, 50);
});
afterAll(() => lab.close());

/** Forgets a run's newest entries, as an older copy does: its numbers are given again. Returns the newest that is lost. */
async function forget(runId: string, kept: (kind: string) => boolean): Promise<Position> {
  const events = await eventsOf(lab.db, runId);
  const lost = events.slice(events.findIndex(({ kind }) => !kept(kind)));
  await sql`delete from muster.step_event where run = ${runId} and seq >= ${lost[0]?.seq}`.execute(lab.db);
  await sql`select setval('muster.step_event_seq_seq', ${lost[0]?.seq}, false)`.execute(lab.db);
  return lost.at(-1)!;
}

const setBacks = async () => (await lab.db.selectFrom("set_back").selectAll().execute()).length;
const epochOf = async (runId: string) =>
  (await lab.db.selectFrom("run").select("epoch").where("id", "=", runId).executeTakeFirstOrThrow()).epoch;

/** A run under way that waits at a question, and what drives it. */
async function waits(parts: { turnsBack?: boolean } = {}) {
  const { world, ctx, driver } = smallWorld(lab, { log: quiet });
  const [first] = world.chain();
  const runId = await propose(lab.db, planOf([first!, world.gate("is it well?", [first!])]));
  await approve(ctx, runId);
  await drive(lab, driver, runId, `asked ${world.service}/ask`);
  // It is written before it is let go.
  await driver.drive(runId);
  if (parts.turnsBack) await say(ctx, runId, { verb: "cancel", by: "ben" });
  return { world, ctx, driver, runId };
}

describe("Muster's database is an older copy of itself", () => {
  it("gives no run to a process that has seen more, takes no entry from it, and holds every run", async () => {
    const { ctx, driver, runId, world } = await waits();
    await lookBack(ctx);
    await forget(runId, (kind) => kind !== "asked");
    const before = await story(lab.db, runId);
    const epoch = await epochOf(runId);
    await say(ctx, runId, { verb: "cancel", by: "ben" });
    expect(await leaseRun(ctx, runId)).toBeUndefined();
    const lease = { runId, epoch } as Parameters<typeof append>[1];
    expect(await append(ctx, lease, [{ event: { kind: "expired" }, tell: {} }])).toBeUndefined();
    expect(await story(lab.db, runId)).toEqual(before);

    const other = await propose(lab.db, planOf(new World(lab.clock).chain()));
    const found = await setBacks();
    await lookBack(ctx);
    expect(await setBacks()).toBe(found + 1);
    await lookBack(ctx);
    expect(await setBacks()).toBe(found + 1);

    await drive(lab, driver, runId, "held");
    const held = (await eventsOf(lab.db, runId)).find(({ kind }) => kind === "held");
    expect(held).toMatchObject({
      by: "Muster",
      because: expect.stringMatching(/set back to an older copy: .* that one has seen/),
    });
    // The order to go back was given before: nothing is taken back, all the same, before people have looked.
    await driver.drive(other);
    expect(await story(lab.db, other)).toEqual(["proposed", "voided", "ended"]);
    const lines = await lab.db.selectFrom("timeline").select("line").where("run", "=", other).execute();
    expect(lines.map(({ line }) => line).join("\n")).toMatch(
      /^The approvals are void: .* and may have forgotten some: /m,
    );
    expect(world.value("a")).toBe(7);
    await driver.stop();
  });

  it("takes nothing back either before people have looked, and goes on as they say", async () => {
    const { ctx, driver, runId, world } = await waits({ turnsBack: true });
    await sql`delete from muster.set_back`.execute(lab.db);
    const epoch = await epochOf(runId);
    const lost = { seq: 1_000_000, at: lab.clock.now() };
    await holdEverything(ctx, lost, "another server");
    // Whoever drove it remembers what is forgotten here; and users' databases may have seen newer epochs than this one.
    expect(await epochOf(runId)).toBeGreaterThanOrEqual(epoch + 1_000);
    await drive(lab, driver, runId, "held");
    await driver.drive(runId);
    const lines = await story(lab.db, runId);
    expect(lines.filter((line) => line.startsWith("undo"))).toEqual([]);
    expect(lines).toContain("turned-back");
    await say(ctx, runId, { verb: "resume", by: "cleo" });
    await drive(lab, driver, runId, "ended");
    expect(world.value("a")).toBe(0);
    await driver.stop();
  });

  it("is found once, whoever finds it; numbers are left out, and what waits to go out is looked for first", async () => {
    const { ctx } = smallWorld(lab, { log: quiet, worker: "two" });
    const two = engineContext({ ...ctx, worker: "three", highWater: new HighWater() });
    const [thread, mail] = [`run:${crypto.randomUUID()}`, `mail:${crypto.randomUUID()}`];
    await lab.db
      .insertInto("outbox")
      .values(
        [thread, mail].map((one) => ({ thread: one, dedupe_key: one, payload: JSON.stringify({ lines: ["x"] }) })),
      )
      .execute();
    const lost = { seq: 2_000_000, at: new Date(lab.clock.now().getTime() - 1_000) };
    const found = await setBacks();
    await sql`delete from muster.set_back`.execute(lab.db);
    // Seen by another look: nothing is lost.
    const [any] = await eventsOf(lab.db, await propose(lab.db, planOf(new World(lab.clock).chain())));
    await holdEverything(ctx, any!, "one");
    expect(await setBacks()).toBe(0);
    await Promise.all([holdEverything(ctx, lost, "one"), holdEverything(two, { ...lost, seq: 1_900_000 }, "two")]);
    expect(found).toBeGreaterThan(0);
    expect(await setBacks()).toBe(1);
    // A witness that comes back a day later lacks nothing that was not known to be lacking.
    await sql`update muster.set_back set found_at = found_at - interval '1 day'`.execute(lab.db);
    await holdEverything(ctx, { ...lost, seq: 1_800_000 }, "a database that was away");
    expect(await setBacks()).toBe(1);
    const states = await lab.db
      .selectFrom("outbox")
      .select("state")
      .where("thread", "in", [thread, mail])
      .orderBy("seq")
      .execute();
    expect(states.map(({ state }) => state)).toEqual(["sending", "waiting"]);
    const runId = await propose(lab.db, planOf(new World(lab.clock).chain()));
    const [event] = await eventsOf(lab.db, runId);
    expect(event?.seq).toBeGreaterThan(1_900_000);
    expect(await isInJournal(ctx, event!)).toBe(true);
    expect(await isInJournal(ctx, { seq: event!.seq, at: new Date(0) })).toBe(false);
  });

  it.each([
    ["under way", [], "held"],
    ["not begun", ["started"], "voided"],
    ["on its way back", [], "held"],
  ])("tells a run that is %s", (where, without, kind) => {
    const world = new World(lab.clock);
    const plan = planOf(world.chain());
    const at = new Date();
    const events = [
      { kind: "proposed", by: "ana", planHash: "x" } as const,
      { kind: "started" } as const,
      ...(where === "on its way back" ? [{ kind: "turned-back", by: "ben", signal: 1, verb: "cancel" } as const] : []),
    ].filter((event) => !without.includes(event.kind));
    const view = fold(
      plan,
      events.map((event, index) => ({ ...event, seq: index + 1, epoch: 1, at })),
    );
    const because = explainSetBack(new Date("2026-11-27T03:10:00Z"), new Date("2026-11-27T03:09:30Z"), "one");
    expect(absorb(plan, view, { seq: 9, verb: "hold", by: "Muster", because, at })).toMatchObject([
      { kind, signal: 9 },
    ]);
    expect(because).toBe(
      "Muster's database was set back to an older copy: its journal lacks an entry of 2026-11-27 03:10:00 UTC that one has seen, and perhaps everything since 2026-11-27 03:09:30 UTC",
    );
  });

  it("takes no word for a way back while it holds, nor after a one-way step that somebody else has gone", () => {
    const world = new World(lab.clock);
    const [first, ...others] = world.chain();
    const plan = planOf([{ ...first!, oneWay: "data is only there" }, ...others]);
    const at = new Date();
    const told = (...events: EventBody[]) =>
      fold(
        plan,
        [{ kind: "started" } as const, ...events].map((event, index) => ({ ...event, seq: index + 1, epoch: 1, at })),
      );
    const cancel = { seq: 9, verb: "cancel", by: "ben", at } as const;
    const held = told({ kind: "held", by: "Muster", signal: 1, because: "x" });
    expect(absorb(plan, held, cancel)).toMatchObject([
      { kind: "refused", because: expect.stringMatching(/press Resume/) },
    ]);
    const gone = told(...plan.nodes.slice(0, 1).map(({ id }) => ({ kind: "done", step: id, result: 7 }) as const));
    expect(absorb(plan, gone, cancel)).toMatchObject([
      { kind: "refused", because: expect.stringMatching(/^there is no way back after .*: data is only there$/) },
    ]);
    expect(absorb(plan, told(), cancel)).toMatchObject([{ kind: "turned-back" }]);
  });
});
