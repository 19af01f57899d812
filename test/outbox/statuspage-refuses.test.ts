import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { statusPage } from "../../src/lab/estate.ts";
import { basket, type Desk, identified, investigating, monitoring, openDesk, resolved } from "../statuspage/desk.ts";

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

describe("the limit of one request a second", () => {
  it("is kept by two processes and a third that starts later, together", async () => {
    const three = [run, await desk.another(), await desk.another()];
    // Five turns are half a second longer than they must be: so late may a request be, and on a busy machine later.
    await desk.time.set(desk.time.clock.now(), 0.1);
    desk.start();
    desk.start();
    for (const id of three) await desk.says(id, investigating, monitoring);
    await desk.time.pass(8);
    desk.start();
    for (const id of three) await desk.settled(id);
    const times = requests().map(({ at }) => at.getTime());
    expect(times.length).toBeGreaterThanOrEqual(15);
    // A request may be late, and the next one in time: what counts is a stretch of them.
    for (const [index, at] of times.entries()) expect((times[index + 5] ?? Infinity) - at).toBeGreaterThanOrEqual(5000);
    expect(desk.page.incidents()).toHaveLength(3);
    await desk.time.set(desk.time.clock.now(), 1);
  });

  it.each([420, 429] as const)(
    "is waited for as long as the page asks (%i), by every process and run",
    async (status) => {
      const other = await desk.another();
      desk.page.knobs.throttledStatus = status;
      desk.page.knobs.retryAfterSeconds = 90;
      desk.page.knobs.next("GET incidents/unresolved", "throttle");
      desk.start();
      desk.start();
      await desk.says(run, investigating);
      await desk.time.until("it is throttled", () => requests().some((request) => request.status === status), 60);
      await desk.says(other, investigating);
      await desk.time.pass(80);
      expect(requests()).toHaveLength(1);
      await desk.settled(run);
      await desk.settled(other);
      expect(desk.page.incidents()).toHaveLength(2);
    },
  );
});

describe("a page that does not take what it is told", () => {
  it.each([
    [401, "Statuspage does not know Muster's token"],
    [403, "Statuspage does not let Muster's token change this page"],
  ] as const)("(%i) the message is parked, people hear why once, and the next one catches up", async (status, why) => {
    desk.page.knobs.tokenRefused = status;
    desk.start();
    await desk.says(run, investigating, identified);
    const ends = await desk.settled(run);
    expect(ends).toMatchObject([{ state: "parked" }, { state: "parked" }]);
    expect(await desk.thread(run)).toEqual([expect.stringContaining(`was not told "investigating": ${why}`)]);
    expect(JSON.stringify([ends, desk.logged, await desk.thread(run)])).not.toContain(desk.page.token);
    desk.page.knobs.tokenRefused = false;
    await desk.says(run, monitoring);
    await desk.settled(run);
    expect(statuses()).toEqual(["monitoring"]);
    expect(desk.page.statusOf(basket)).toBe("major_outage");
  });

  it("(404) a page that is not there", async () => {
    desk.start();
    await desk.says(run, { ...investigating, page: "nopage" });
    expect(await desk.settled(run)).toMatchObject([{ state: "parked" }]);
    expect(await desk.thread(run)).toEqual([expect.stringContaining("Statuspage has no such page")]);
  });

  it("(422) words it does not like", async () => {
    desk.start();
    await desk.says(run, { ...investigating, name: "x".repeat(300) });
    expect(await desk.settled(run)).toMatchObject([{ state: "parked" }]);
    expect(await desk.thread(run)).toEqual([
      expect.stringContaining("Statuspage does not take it as it is; it answers 422"),
    ]);
  });

  it("a component it does not have is left out, and people hear of it", async () => {
    desk.start();
    await desk.says(run, { ...investigating, components: { ...investigating.components, nobody: "major_outage" } });
    expect(await desk.settled(run)).toMatchObject([{ state: "sent" }]);
    expect(desk.page.statusOf(basket)).toBe("major_outage");
    expect(await desk.thread(run)).toEqual([expect.stringContaining(`The status page has no component "nobody".`)]);
  });

  it("a token that is not there", async () => {
    desk.secrets.clear();
    desk.start();
    await desk.says(run, investigating);
    expect(await desk.settled(run)).toEqual([{ state: "parked", because: "The token is not there" }]);
    expect(requests()).toEqual([]);
  });

  it("an end where nothing was ever told", async () => {
    desk.start();
    await desk.says(run, resolved);
    expect(await desk.settled(run)).toMatchObject([{ state: "parked" }]);
    expect(desk.page.incidents()).toEqual([]);
    expect(await desk.thread(run)).toEqual([]);
  });
});

describe("a page that is away", () => {
  it.each(["refuses", "silent"] as const)(
    "(%s) gets all of it in order afterwards; people hear once that it is behind",
    async (down) => {
      desk.page.knobs.down = down;
      desk.start();
      await desk.says(run, investigating, identified, monitoring, resolved);
      const isTold = async () => (await desk.thread(run)).length > 0;
      await desk.time.until("people are told", isTold, 1800);
      await desk.time.pass(60);
      expect(await desk.thread(run)).toEqual([
        expect.stringMatching(/^The status page has taken nothing from Muster for about a minute/),
      ]);
      desk.page.knobs.down = false;
      await desk.settled(run);
      expect(statuses()).toEqual(["investigating", "identified", "monitoring", "resolved"]);
      expect(desk.page.statusOf(basket)).toBe("operational");
      expect(desk.page.incidents()[0]?.component_ids).toEqual(Object.values(statusPage.components).slice(0, 2));
    },
  );
});
