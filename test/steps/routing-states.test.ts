import { describe, expect, it } from "@jest/globals";
import type { ControlStates, Readings } from "../../src/adapters/routing-controls.ts";
import { agreedStates, dissenters, inTurn, misplaced, silences, statesFor } from "../../src/steps/routing-states.ts";

const endpoints = ["a", "b", "c", "d", "e"].map((region) => ({ region, url: `https://${region}.example.com/v1` }));
const states = (east: "On" | "Off", west: "On" | "Off"): ControlStates => ({ east, west });
const readings = (...told: (ControlStates | string)[]): Readings =>
  Object.fromEntries(
    told.map((one, index) => ["abcde"[index], typeof one === "string" ? { failed: one } : { states: one }]),
  );

describe("the order in which endpoints are asked", () => {
  it.each([
    [0, "c", "abdec"],
    [0.3, "c", "bdeac"],
    [0.999, "c", "eabdc"],
    [1, "c", "eabdc"],
    [0.5, "elsewhere", "cdeab"],
  ])("from %d, leaving %s, is %s", (chance, leaving, order) => {
    const turn = inTurn(endpoints, { chance, leaving });
    expect(turn.map(({ region }) => region).join("")).toBe(order);
  });
});

describe("what endpoints say together", () => {
  it.each([
    [
      "all the same",
      readings(states("On", "Off"), states("On", "Off"), states("On", "Off")),
      { east: "On", west: "Off" },
      [],
    ],
    [
      "one behind",
      readings(states("Off", "On"), states("On", "Off"), states("Off", "On")),
      { east: "Off", west: "On" },
      ["b"],
    ],
    ["at odds", readings(states("Off", "On"), states("On", "On"), "does not answer"), { west: "On" }, []],
    [
      "one alone",
      readings(states("Off", "On"), "does not answer", "breaks connections"),
      { east: "Off", west: "On" },
      [],
    ],
    ["nobody", readings("does not answer"), {}, []],
  ])("%s", (_name, told, agreed, others) => {
    expect(agreedStates(told, ["east", "west"])).toEqual(agreed);
    expect(dissenters(told, agreed as ControlStates)).toEqual(others);
  });

  it("names those that are silent, each with its reason", () => {
    expect(silences(readings(states("On", "Off"), "does not answer", "says: no"))).toEqual([
      "b does not answer",
      "c says: no",
    ]);
  });
});

describe("what is missing", () => {
  const wanted = statesFor("west", ["east", "west", "north"]);
  it.each([
    [{ east: "Off", west: "On", north: "Off" }, undefined],
    // First the one that lets customers in.
    [{ east: "On", west: "Off", north: "Off" }, "the routing control of west is Off, not On"],
    [{ east: "On", west: "On", north: "Off" }, "the routing control of east is On, not Off"],
    [
      { west: "On", north: "Off" },
      "the endpoints of the recovery cluster are at odds about the routing control of east",
    ],
  ] as [ControlStates, string | undefined][])("of %j is %s", (agreed, sentence) => {
    expect(misplaced(agreed, wanted)).toBe(sentence);
  });
});
