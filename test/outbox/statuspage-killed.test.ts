import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { sql } from "kysely";
import {
  basket,
  type Desk,
  identified,
  investigating,
  monitoring,
  openDesk,
  payment,
  resolved,
} from "../statuspage/desk.ts";

jest.setTimeout(240_000);

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});
afterAll(() => desk.close());

const updates = [investigating, identified, monitoring, resolved];

/** Plays all updates of one run, with a process that is frozen at its nth point; returns the points that were passed. */
async function play(dieAt: number): Promise<{ run: string; passed: string[] }> {
  desk.page.edit(() => []);
  const run = await desk.another();
  const passed: string[] = [];
  const { promise: isFrozen, resolve: freeze } = Promise.withResolvers<"frozen">();
  const first = desk.start((name) => {
    passed.push(name);
    if (passed.length !== dieAt) return Promise.resolve();
    freeze("frozen");
    return new Promise(() => undefined);
  });
  await desk.says(run, ...updates);
  const isSettled = desk.settled(run);
  if ((await Promise.race([isSettled.then(() => "settled"), isFrozen])) === "settled") {
    await first.stop();
    return { run, passed };
  }
  first.giveUp();
  const second = desk.start((name) => {
    passed.push(name);
    return Promise.resolve();
  });
  // What a dead process had in hand is free after a while on the wall.
  await sql`update muster.outbox set taken_until = clock_timestamp()`.execute(desk.db);
  await sql`update muster.turn set until = clock_timestamp() where duty like 'statuspage-change:%'`.execute(desk.db);
  await isSettled;
  await second.stop();
  return { run, passed };
}

describe("a process that dies on its way to the status page", () => {
  it("at whatever point: one incident, each update once and in order, the components as they were, people told once", async () => {
    const { passed: points } = await play(0);
    expect(points.length).toBeGreaterThan(20);
    const names = new Set(points);
    for (let dieAt = 1; dieAt <= points.length; dieAt += 1) {
      const { run, passed } = await play(dieAt);
      for (const name of passed) names.add(name);
      const at = `frozen at ${points[dieAt - 1]}`;
      expect({ at, told: desk.told() }).toEqual({ at, told: updates.map(({ status, body }) => ({ status, body })) });
      expect({ at, incidents: desk.page.incidents().length }).toEqual({ at, incidents: 1 });
      expect([at, desk.page.statusOf(basket), desk.page.statusOf(payment)]).toEqual([at, "operational", "operational"]);
      expect(await desk.thread(run)).toEqual([expect.stringMatching(/^Customers are told on the status page: https:/)]);
      expect((await desk.ends(run)).map(({ state }) => state)).toEqual(["sent", "sent", "sent", "sent"]);
    }
    const calls = ["ListOpenIncidents", "ListComponents", "CreateIncident", "UpdateIncident", "GetIncident"];
    for (const call of calls) {
      expect(names).toContain(`before statuspage.${call}`);
      expect(names).toContain(`after statuspage.${call}`);
    }
  });
});
