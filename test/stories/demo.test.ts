import { describe, expect, it, jest } from "@jest/globals";
import type { Figures } from "../../src/lab/figures.ts";
import { run, type Ended } from "../terminal/process.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

/** Lab seconds in a wall second: processes wait for the clock, nobody jumps it for them. */
const fast = 30;

/** The demo as people start it. */
const demo = (...words: string[]): Promise<Ended> => {
  const { PATH = "", HOME = "" } = process.env;
  return run(words, { PATH, HOME }, [process.execPath, "src/lab/demo.ts"]);
};

const aNumber = expect.any(Number) as unknown as number;

describe("npm run demo -- --graceful --kill-worker promote-replica", () => {
  it("ends well; its last line is one line of JSON with all its figures: nothing lost, and nothing done twice", async () => {
    const { status, out, err } = await demo("--graceful", "--kill-worker", "promote-replica", "--scale", `${fast}`);
    expect({ status, err: status === 0 ? "" : err }).toEqual({ status: 0, err: "" });
    expect(out.match(/server-\d+ is killed inside promote-replica \(SIGKILL\)/g)).toHaveLength(1);
    expect(out).toMatch(/\nReport\n/);
    expect(out.endsWith("}\n")).toBe(true);

    const figures = JSON.parse(out.trimEnd().split("\n").at(-1) ?? "") as Figures;
    expect(figures).toEqual({
      outcome: "done",
      mode: "graceful",
      scale: fast,
      serviceRecoverySeconds: aNumber,
      toolSeconds: aNumber,
      criticalPathSeconds: aNumber,
      ownSeconds: aNumber,
      ordersAccepted: aNumber,
      ordersLost: 0,
      ordersDoubled: 0,
      effects: expect.any(Object),
      writesAccepted: { east: aNumber, west: aNumber },
      writesAcceptedByOldSideAfterPromotion: 0,
      takeOvers: 1,
      slackPosts: aNumber,
      steps: expect.any(Array),
    });
    const { effects, steps, writesAccepted, ordersAccepted } = figures;
    expect(Object.values(effects).filter((times) => times !== 0 && times !== 1)).toEqual([]);
    for (const step of ["fence-writes", "promote-replica", "open-writes", "shift-dns"])
      expect(effects).toHaveProperty([`checkout/${step}`], 1);
    expect(steps.map(({ id }) => id)).toEqual(expect.arrayContaining(Object.keys(effects)));
    for (const step of steps) expect(step).toEqual({ id: expect.stringMatching(/^checkout\//), seconds: aNumber });
    // What was answered stands somewhere: the east's orders came along, the west has its own.
    expect(Math.min(writesAccepted.east, writesAccepted.west)).toBeGreaterThan(0);
    expect(writesAccepted.east + writesAccepted.west).toBeGreaterThanOrEqual(ordersAccepted);
    expect(figures.slackPosts).toBeGreaterThan(0);
  });
});

describe("npm run demo -- --scale 61", () => {
  it("is refused in three sentences, and starts nothing", async () => {
    const usage = "[--region] [--graceful] [--kill-worker <step>] [--scale <lab seconds in a second>]";
    const err = `"61" is not a whole number from 1 to 60. Nothing was started. Type: npm run demo [-- ${usage}]\n`;
    expect(await demo("--scale", "61")).toEqual({ status: 1, signal: null, out: "", err });
  });
});
