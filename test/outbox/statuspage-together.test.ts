import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { statusPage } from "../../src/lab/estate.ts";
import { basket, type Desk, investigating, openDesk, payment, resolved } from "../statuspage/desk.ts";

let desk: Desk;
let runs: [string, string];
beforeAll(async () => {
  desk = await openDesk();
});
beforeEach(async () => {
  runs = [await desk.another(), await desk.another()];
});
afterEach(() => desk.clear());
afterAll(() => desk.close());

const shown = () => [desk.page.statusOf(basket), desk.page.statusOf(payment)];
const settleBoth = async () => {
  for (const run of runs) await desk.settled(run);
};

describe("two runs on the same components", () => {
  it.each([
    ["two servers", 0],
    ["one server", 4],
  ])(
    "are over in the same second: whoever is resolved last sets the components back (%s; what is read lags %i seconds)",
    async (servers, lag) => {
      desk.page.knobs.readLagSeconds = lag;
      desk.start();
      if (servers === "two servers") desk.start();
      for (const run of runs) {
        await desk.says(run, investigating);
        await desk.settled(run);
        await desk.time.pass(10);
      }
      expect(shown()).toEqual(["major_outage", "major_outage"]);
      for (const run of runs) await desk.says(run, resolved);
      await settleBoth();
      expect(desk.page.incidents().map(({ status }) => status)).toEqual(["resolved", "resolved"]);
      expect(shown()).toEqual(["operational", "operational"]);
    },
  );

  it("begin in the same second: one that has not seen the other's incident when it looks at the components sets back what both changed", async () => {
    const [slow, quick] = runs;
    const isOpen = () => desk.page.incidents().length > 0;
    const { promise: hasLooked, resolve: look } = Promise.withResolvers<void>();
    let looks = 0;
    desk.start(async (name) => {
      if (name !== "after statuspage.ListOpenIncidents" || (looks += 1) > 1) return;
      look();
      // Long enough for the other server to open its incident, where nothing keeps it from that.
      for (const until = Date.now() + 8000; Date.now() < until && !isOpen();) await setTimeout(50);
    });
    await desk.says(slow, investigating);
    const settled = desk.settled(slow);
    await hasLooked;
    desk.start();
    await desk.says(quick, investigating);
    await settled;
    await desk.settled(quick);
    expect(desk.page.incidents()).toHaveLength(2);
    for (const run of [quick, slow]) {
      await desk.says(run, resolved);
      await desk.settled(run);
    }
    expect(shown()).toEqual(["operational", "operational"]);
  });

  it("a server that died with the page in hand keeps the others from it until its time is over, and no longer", async () => {
    const [run] = runs;
    await sql`
      insert into muster.turn values (${`statuspage-change:${statusPage.page}`}, 'dead', clock_timestamp() + interval '1 hour')`.execute(
      desk.db,
    );
    desk.start();
    await desk.says(run, investigating);
    await desk.time.until("it was tried", async () => desk.logged.length > 0, 60);
    expect(desk.logged[0]).toContain("another server of Muster is telling the page something");
    expect(desk.page.incidents()).toEqual([]);
    await sql`update muster.turn set until = clock_timestamp() where holder = 'dead'`.execute(desk.db);
    expect(await desk.settled(run)).toMatchObject([{ state: "sent" }]);
    const { rows } = await sql`select from muster.turn where duty like 'statuspage-change:%'`.execute(desk.db);
    expect(rows).toEqual([]);
  });

  it("a server that lost the page while it was frozen changes nothing there", async () => {
    const [run] = runs;
    const takeAway = async (name: string) => {
      if (name !== "after statuspage.ListComponents") return;
      await sql`update muster.turn set holder = 'other', until = clock_timestamp() + interval '1 hour'
                 where duty like 'statuspage-change:%'`.execute(desk.db);
    };
    desk.start(takeAway);
    await desk.says(run, investigating);
    await desk.time.until("it was tried", async () => desk.logged.length > 0, 60);
    expect(desk.logged[0]).toContain("another server of Muster is telling the page something");
    expect(desk.page.incidents()).toEqual([]);
    expect(desk.log.all.filter(({ server }) => server === "statuspage")).toHaveLength(2);
  });
});
