import { describe, expect, it } from "@jest/globals";
import type { PlanNode } from "../../src/engine/plan.ts";
import { turningBack } from "../../src/engine/turning-back.ts";

const node = (id: string, after: string[] = [], changes = true): PlanNode => ({
  id,
  service: id.split("/")[0] ?? "",
  step: id.split("/")[1] ?? "",
  kind: "step",
  title: id,
  input: {},
  after,
  reads: [],
  changes,
});

const inWaves = [
  node("a/promote"),
  node("b/promote"),
  node("wave-2/start", [], false),
  node("c/promote", ["wave-2/start"]),
  node("wave-3/start", ["wave-2/start"], false),
  node("d/promote", ["wave-3/start"]),
];
/** A look that one service goes on behind, after its change. */
const looked = [node("a/promote"), node("b/promote"), node("probe/look", [], false), node("a/shift", ["probe/look"])];

describe("services that are turned back with a run", () => {
  const cases: [string, PlanNode[], string[], string[]][] = [
    [
      "are all of them while none is past the point of no return",
      inWaves,
      [],
      ["a", "b", "wave-2", "c", "wave-3", "d"],
    ],
    [
      "are not those past it; waves that only others wait for go too",
      inWaves,
      ["a"],
      ["b", "wave-2", "c", "wave-3", "d"],
    ],
    ["do not take away the wave of one past it", inWaves, ["c"], ["a", "b", "wave-3", "d"]],
    ["nor the waves before that", inWaves, ["d"], ["a", "b", "c"]],
    ["nor a look that one past it still waits for", looked, ["a"], ["b"]],
    ["take that look with them when nobody else waits for it", looked, ["b"], ["a", "probe"]],
    ["are none where all are past it", looked, ["a", "b"], []],
  ];

  it.each(cases)("%s", (_name, nodes, past, wanted) => {
    expect([...turningBack(nodes, new Set(past))]).toEqual(wanted);
  });
});
