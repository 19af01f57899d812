import type { Route53Client } from "@aws-sdk/client-route-53";
import { describe, expect, it } from "@jest/globals";
import { setTimeout } from "node:timers/promises";
import { Activity } from "../../src/activity.ts";
import { pace, type PacedContext } from "../../src/adapters/route53-pace.ts";
import { getRegionRecords, getWeightedRecords, replaceWeights } from "../../src/adapters/route53.ts";
import { Clock } from "../../src/clock.ts";

/** As good as: it goes on when it is set. */
const stopped = { shows: new Date("2026-11-23T03:00:00Z"), rate: 1e-6 };

describe("requests of one client", () => {
  /** Has so many want to be sent at once, twice, with a rest between; whoever waits wakes so late. When each was sent. */
  async function sentBy(count: number, lateMs: readonly number[]): Promise<number[]> {
    const { rate } = stopped;
    const clock = new Clock(stopped);
    const ctx = { clock, activity: new Activity() };
    const client = {};
    const sent: number[] = [];
    for (let wave = 1; wave <= 2; wave += 1) {
      for (let one = 0; one < count; one += 1) void pace(ctx, client).then(() => sent.push(clock.now().getTime()));
      for (let woken = 0; sent.length < wave * count; woken += 1) {
        // Whoever may go has gone by then.
        await setTimeout(2);
        const due = clock.nextDue();
        const late = lateMs[woken % lateMs.length] ?? 0;
        if (due) clock.set({ shows: new Date(Math.max(clock.now().getTime(), due.getTime() + late)), rate });
      }
      clock.set({ shows: new Date(clock.now().getTime() + 10_000), rate });
    }
    return sent;
  }
  const mostInASecond = (sent: readonly number[]) =>
    Math.max(...sent.map((from) => sent.filter((at) => at >= from && at < from + 1000).length));

  it("are four in any second, however many want to be sent and however long nobody did", async () => {
    const sent = await sentBy(12, [0]);
    expect(sent).toHaveLength(24);
    expect(mostInASecond(sent)).toBe(4);
    expect((sent[11] ?? 0) - (sent[0] ?? 0)).toBe(11 * 250);
  });

  it("are no more where those that wait wake late", async () => {
    expect(mostInASecond(await sentBy(12, [0, 240, 10, 0, 90]))).toBeLessThanOrEqual(4);
  });

  it("leave out whoever gives up, and do not wait for them", async () => {
    const clock = new Clock(stopped);
    const ctx = { clock, activity: new Activity() };
    const client = {};
    const given = new AbortController();
    await pace(ctx, client);
    const leaves = pace(ctx, client, given.signal);
    given.abort(new Error("the lease is gone"));
    await expect(leaves).rejects.toThrow("the lease is gone");
    const next = pace(ctx, client);
    expect(clock.nextDue()).toEqual(new Date(stopped.shows.getTime() + 250));
    clock.set({ ...stopped, shows: new Date(stopped.shows.getTime() + 250) });
    await next;
  });
});

describe("a run and the look at a whole region, at the same time", () => {
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

  /** One process whose clock stands, and a Route 53 that notes in milliseconds when it was asked what. */
  function openOffice() {
    const clock = new Clock(stopped);
    const now = () => Math.round(clock.now().getTime() - stopped.shows.getTime());
    const looks: PacedContext = {
      clock,
      activity: new Activity(),
      point: () => Promise.resolve(),
      callTimeoutMs: 60_000,
      log: silent,
      redact: (text) => text,
    };
    const asked: { action: string; at: number }[] = [];
    const record = (region: string, weight: number) => ({
      Name: "checkout.example.com.",
      Type: "A",
      SetIdentifier: region,
      Weight: weight,
    });
    const route53 = {
      send: (command: object) => {
        asked.push({ action: command.constructor.name.replace("Command", ""), at: now() });
        return Promise.resolve({
          ResourceRecordSets: [record("us-east-1", 100), record("us-west-2", 0)],
          IsTruncated: false,
          ChangeInfo: { Id: "C1" },
        });
      },
    } as unknown as Route53Client;
    const order: { who: string; at: number }[] = [];
    /** Asks for a turn; when it was given is noted. */
    const ask = (who: string, of: Partial<PacedContext> = {}, signal?: AbortSignal) =>
      pace({ ...looks, ...of }, route53, signal).then(() => order.push({ who, at: now() }));
    /** Lets the clock go on from one turn to the next while it is wanted, and somebody waits. */
    const goOn = async (isWanted: () => boolean = () => true) => {
      for (;;) {
        // Whoever may go has gone by then.
        await setTimeout(2);
        const due = clock.nextDue();
        if (!due || !isWanted()) return;
        clock.set({ ...stopped, shows: new Date(Math.max(clock.now().getTime(), due.getTime())) });
      }
    };
    return { looks, route53, asked, order, ask, goOn };
  }
  const step = { onBehalfOf: "step" } as const;
  const start = { onBehalfOf: "start" } as const;
  const dns = { zone: "Z1", name: "checkout.example.com", type: "A", ttl: 60 } as const;

  it("the run takes the next turn, and nobody gets one more for it", async () => {
    const { order, ask, goOn } = openOffice();
    for (const who of ["look 1", "look 2", "look 3", "look 4"]) void ask(who);
    void ask("start 1", start);
    void ask("step 1", step);
    void ask("step 2", step);
    await goOn(() => order.length < 4);
    void ask("step 3", step);
    await goOn();
    expect(order.map(({ who }) => who)).toEqual([
      "look 1",
      "step 1",
      "step 2",
      "start 1",
      "step 3",
      "look 2",
      "look 3",
      "look 4",
    ]);
    expect(order.map(({ at }) => at)).toEqual(order.map((_one, index) => index * 250));
  });

  it("whoever gives up leaves its lane, and those behind move up", async () => {
    const { order, ask, goOn } = openOffice();
    const given = new AbortController();
    void ask("look 1");
    const leaves = ask("step 1", step, given.signal);
    void ask("step 2", step);
    void ask("look 2");
    given.abort(new Error("the lease is gone"));
    await expect(leaves).rejects.toThrow("the lease is gone");
    await expect(ask("step 3", step, given.signal)).rejects.toThrow("the lease is gone");
    await goOn();
    expect(order).toEqual([
      { who: "look 1", at: 0 },
      { who: "step 2", at: 250 },
      { who: "look 2", at: 500 },
    ]);
  });

  it("a step reads and changes its records while a look at the same zone waits behind two hundred others", async () => {
    const { looks, route53, asked, ask, goOn } = openOffice();
    const others = Array.from({ length: 200 }, (_one, index) => ask(`look ${index}`));
    const looked = getRegionRecords(looks, route53, dns);
    const ctx = { ...looks, ...step };
    const moved = getWeightedRecords(ctx, route53, dns).then((from) =>
      replaceWeights(ctx, route53, dns, { from, weights: { "us-west-2": 100 } }),
    );
    await goOn();
    await Promise.all([looked, moved, ...others]);
    expect(asked).toEqual([
      { action: "ListResourceRecordSets", at: 250 },
      { action: "ChangeResourceRecordSets", at: 500 },
      { action: "ListResourceRecordSets", at: 202 * 250 },
    ]);
  });
});
