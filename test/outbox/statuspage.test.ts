import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import {
  basket,
  type Desk,
  identified,
  investigating,
  monitoring,
  newsletter,
  openDesk,
  parked,
  payment,
  resolved,
  stopped,
} from "../statuspage/desk.ts";

let desk: Desk;
let run: string;
beforeAll(async () => {
  desk = await openDesk();
});
beforeEach(async () => {
  run = await desk.another();
});
afterEach(() => desk.clear());
afterAll(() => desk.close());

const statuses = () => desk.told().map(({ status }) => status);
const requests = () => desk.log.all.filter(({ server }) => server === "statuspage");

describe("the incident of a run on the status page", () => {
  it("is opened with its components, goes on, and is resolved with them set back to what they were", async () => {
    desk.page.setComponent(payment, "degraded_performance");
    desk.start();
    await desk.says(run, investigating);
    await desk.settled(run);
    const shown = () => [basket, payment, newsletter].map((id) => desk.page.statusOf(id));
    expect(shown()).toEqual(["major_outage", "major_outage", "operational"]);
    await desk.says(run, identified, monitoring, resolved);
    expect((await desk.settled(run)).map(({ state }) => state)).toEqual(["sent", "sent", "sent", "sent"]);
    expect(statuses()).toEqual(["investigating", "identified", "monitoring", "resolved"]);
    expect(shown()).toEqual(["operational", "degraded_performance", "operational"]);
    const [incident] = desk.page.incidents();
    expect(incident?.name).toBe("Services are unavailable");
    expect(incident?.metadata).toMatchObject({ muster: { run } });
    expect(await desk.thread(run)).toEqual([`Customers are told on the status page: ${incident?.shortlink}.`]);
  });

  it.each(["fail-after", "hang-after"] as const)(
    "is there once, though the page is lost after taking it (%s)",
    async (fault) => {
      desk.page.knobs.next("POST incidents", fault);
      desk.page.knobs.next("PATCH incidents/one", fault, 2);
      desk.start();
      await desk.says(run, investigating, identified, resolved);
      expect((await desk.settled(run)).map(({ state }) => state)).toEqual(["sent", "sent", "sent"]);
      expect(statuses()).toEqual(["investigating", "identified", "resolved"]);
      expect(desk.page.statusOf(basket)).toBe("operational");
    },
  );

  it("is there once, though what is read lags four seconds behind what was written", async () => {
    desk.page.knobs.readLagSeconds = 4;
    desk.page.knobs.next("POST incidents", "fail-after");
    desk.page.knobs.next("PATCH incidents/one", "fail-after");
    desk.start();
    await desk.says(run, investigating, identified, resolved);
    await desk.settled(run);
    expect(statuses()).toEqual(["investigating", "identified", "resolved"]);
    expect(desk.page.statusOf(basket)).toBe("operational");
  });

  it("is told whole, once and in order, though the page fails half of what changes it", async () => {
    desk.page.knobs.errorRate = 0.5;
    desk.page.knobs.random = seeded();
    desk.start();
    await desk.says(run, investigating, identified, parked, monitoring, resolved);
    await desk.settled(run, 3600);
    expect(statuses()).toEqual(["investigating", "identified", "identified", "monitoring", "resolved"]);
    expect(desk.page.statusOf(basket)).toBe("operational");
    expect(requests().some(({ status }) => status === 500)).toBe(true);
  });

  it.each([
    ["major_outage", "first"],
    ["major_outage", "second"],
    ["under_maintenance", "first"],
    ["under_maintenance", "second"],
  ] as const)(
    "of one run is not that of another; a component at %s that the second makes an outage is set back by whoever ends last (the %s ends first)",
    async (shows, who) => {
      const other = await desk.another();
      const [mine, theirs] = [run, other];
      desk.start();
      const moved = { ...investigating, components: { [basket]: shows, [payment]: shows } };
      await desk.says(mine, moved);
      await desk.settled(mine);
      // The page fails after taking it: what is read back knows the rest.
      desk.page.knobs.next("POST incidents", "fail-after");
      await desk.says(theirs, investigating);
      await desk.settled(theirs);
      expect(desk.page.statusOf(basket)).toBe("major_outage");
      const [first, last] = who === "first" ? [mine, theirs] : [theirs, mine];
      await desk.says(first, resolved);
      await desk.settled(first);
      expect(desk.page.incidents().map(({ status }) => status)).toContain("investigating");
      const between = who === "first" ? "major_outage" : shows;
      expect(desk.page.statusOf(basket)).toBe(between);
      expect((await desk.thread(first)).at(-1)).toMatch(
        /"Basket" (stays|is back) at .* on the status page, because another open incident names it; it is set back with that one\./,
      );
      await desk.says(last, resolved);
      await desk.settled(last);
      expect([desk.page.statusOf(basket), desk.page.statusOf(payment)]).toEqual(["operational", "operational"]);
      expect(await desk.thread(last)).toHaveLength(1);
    },
  );
});

describe("what somebody else does on the page", () => {
  it("a component they changed stays as they set it, and people hear of it", async () => {
    desk.start();
    await desk.says(run, investigating);
    await desk.settled(run);
    desk.page.setComponent(payment, "partial_outage");
    await desk.says(run, resolved);
    await desk.settled(run);
    expect([desk.page.statusOf(basket), desk.page.statusOf(payment)]).toEqual(["operational", "partial_outage"]);
    expect((await desk.thread(run)).at(-1)).toBe(
      `The incident on the status page is resolved. Somebody else has set "Payment" to "partial outage" on the status page; Muster leaves it so.`,
    );
  });

  it("an incident they closed is not opened again", async () => {
    desk.start();
    await desk.says(run, investigating);
    await desk.settled(run);
    desk.page.edit((all) => all.map((incident) => ({ ...incident, status: "resolved" })));
    await desk.says(run, identified, resolved);
    expect((await desk.settled(run)).map(({ state }) => state)).toEqual(["sent", "parked", "parked"]);
    expect(statuses()).toEqual(["investigating"]);
    expect(await desk.thread(run)).toHaveLength(2);
    expect((await desk.thread(run)).at(-1)).toMatch(/^The incident on the status page was closed by somebody else/);
  });

  it("an incident they deleted is not made again", async () => {
    desk.start();
    await desk.says(run, investigating);
    await desk.settled(run);
    desk.page.edit(() => []);
    await desk.says(run, monitoring);
    expect(await desk.settled(run)).toMatchObject([{ state: "sent" }, { state: "parked" }]);
    expect(desk.page.incidents()).toEqual([]);
  });

  it("an incident that they made their own is left to them", async () => {
    desk.start();
    await desk.says(run, investigating);
    await desk.settled(run);
    desk.page.edit((all) => all.map((incident) => ({ ...incident, metadata: {} })));
    await desk.says(run, resolved);
    expect(await desk.settled(run)).toMatchObject([{ state: "sent" }, { state: "parked" }]);
    expect(statuses()).toEqual(["investigating"]);
    expect((await desk.thread(run)).at(-1)).toMatch(
      /was made another by somebody else, so Muster says nothing more there/,
    );
  });

  it("metadata of theirs stays in the incident", async () => {
    desk.start();
    await desk.says(run, investigating);
    await desk.settled(run);
    desk.page.edit((all) =>
      all.map((incident) => ({ ...incident, metadata: { ...incident.metadata, jira: { key: "OPS-1" } } })),
    );
    await desk.says(run, resolved);
    await desk.settled(run);
    expect(desk.page.incidents()[0]?.metadata).toMatchObject({ jira: { key: "OPS-1" }, muster: { run } });
  });
});

describe("a run that ended without customers being served", () => {
  it("leaves the incident open, with its components, which the next run of its services sets back", async () => {
    desk.start();
    await desk.says(run, investigating, parked, stopped);
    await desk.settled(run);
    await desk.endsRun(run);
    expect(statuses()).toEqual(["investigating", "identified", "identified"]);
    expect(desk.page.statusOf(basket)).toBe("major_outage");
    const next = await desk.another();
    await desk.says(next, investigating, resolved);
    await desk.settled(next);
    expect([desk.page.statusOf(basket), desk.page.statusOf(payment)]).toEqual(["operational", "operational"]);
    expect((await desk.thread(next)).at(-1)).toBe(
      `The incident on the status page is resolved. The incident of ${run}, a run that is over, is still open on the status page; close it there.`,
    );
  });

  it.each(["it has more to say", "it moved another service of the component too"])(
    "leaves its components to nobody while %s",
    async (why) => {
      desk.start();
      await desk.says(run, investigating, stopped);
      await desk.settled(run);
      await desk.endsRun(run);
      const next = await desk.another();
      await desk.says(next, investigating);
      await desk.settled(next);
      if (why === "it has more to say") {
        await desk.says(run, { ...parked, body: "Later." });
        await sql`update muster.outbox set next_at = 'infinity' where thread = ${`statuspage:${run}`}`.execute(desk.db);
      } else
        await sql`update muster.run set plan = jsonb_set(plan, '{locks}', '[]') where id = ${next}`.execute(desk.db);
      await desk.says(next, resolved);
      await desk.settled(next);
      expect(desk.page.statusOf(basket)).toBe("major_outage");
      expect((await desk.thread(next)).at(-1)).toMatch(
        why === "it has more to say" ? /; it is set back with that one\./ : /; set it back with that one\./,
      );
    },
  );
});

/** The same chance in every run of this test. */
function seeded(): () => number {
  let state = 7;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
