import { describe, expect, it } from "@jest/globals";
import { HostClock } from "../src/host-clock.ts";
import { quiet } from "./engine/engine-lab.ts";

const database = new Date("2026-11-26T03:00:00.000Z");

/** A host whose clock shows so many seconds more than the database's, when the answer is there. */
function hostThatIs(aheadSeconds: number, roundTripMs = 0) {
  const warned: object[] = [];
  const shows = { at: new Date(database.getTime() + aheadSeconds * 1000 + roundTripMs / 2) };
  const clock = new HostClock({ ...quiet, warn: (fields: object) => warned.push(fields) }, () => shows.at);
  return { clock, warned, shows, compare: () => clock.compare({ wall: database, roundTripMs }) };
}

describe("a host's clock", () => {
  it.each([
    [0, undefined],
    [0.9, undefined],
    [4.9, undefined],
    [5, "The clock of this host is 5 seconds ahead of that of Muster's database"],
    [-3600, "The clock of this host is 3600 seconds behind that of Muster's database"],
  ])("that is %s seconds ahead", (aheadSeconds, refusal) => {
    const { clock, compare } = hostThatIs(aheadSeconds, 40);
    compare();
    expect(clock.aheadSeconds).toBe(aheadSeconds);
    expect(clock.refusal).toBe(refusal);
    if (refusal === undefined) expect(() => clock.mustBeRight()).not.toThrow();
    else expect(() => clock.mustBeRight()).toThrow(`${refusal}.`);
  });

  it("is news from a second on, once, and again after it was right", () => {
    const { clock, warned, shows, compare } = hostThatIs(2);
    compare();
    compare();
    expect(warned).toEqual([{ aheadSeconds: 2 }]);
    shows.at = database;
    compare();
    expect(clock.aheadSeconds).toBe(0);
    shows.at = new Date(database.getTime() - 1500);
    compare();
    expect(warned).toEqual([{ aheadSeconds: 2 }, { aheadSeconds: -1.5 }]);
  });

  it.each([
    // Seconds ahead, milliseconds of the round trip, and what is surely the clock's of both.
    [0.3, 800, 0],
    [2, 800, 1.6],
    [5, 800, 4.6],
    [5.4, 800, 5],
    [3600, 800, 3599.6],
    [-3600, 800, -3599.6],
    [2, 4000, 0],
    [-6, 4000, -4],
    [-8, 4000, -6],
  ])(
    "that is %s seconds ahead, by an answer that was %s ms on its way, is off by what that cannot explain",
    (aheadSeconds, roundTripMs, surely) => {
      const { clock, warned, compare } = hostThatIs(aheadSeconds, roundTripMs);
      compare();
      expect(clock.aheadSeconds).toBe(surely);
      expect(clock.refusal !== undefined).toBe(Math.abs(surely) >= 5);
      expect(warned).toHaveLength(Math.abs(surely) >= 1 ? 1 : 0);
    },
  );

  it("is not doubted for a slow answer that agrees with what is known, and trusted again after one that does not", () => {
    const { clock, shows, compare } = hostThatIs(3600, 40);
    compare();
    clock.compare({ wall: database, roundTripMs: 900 });
    expect(clock.aheadSeconds).toBe(3600);
    shows.at = database;
    clock.compare({ wall: database, roundTripMs: 900 });
    expect(clock.aheadSeconds).toBe(0);
    expect(clock.refusal).toBeUndefined();
  });
});
