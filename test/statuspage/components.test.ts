import { describe, expect, it } from "@jest/globals";
import type { ComponentStatus } from "../../src/adapters/statuspage.ts";
import { type Other, toRestore, toSet } from "../../src/statuspage/components.ts";

const component = (status: string) => [{ id: "c1", name: "Basket", status }];

/** An open incident of another run that changed the component, or of somebody else who names it. */
const ours = (from: ComponentStatus, to: ComponentStatus): Other => ({ names: ["c1"], changed: { c1: { from, to } } });
const theirs: Other = { names: ["c1"], changed: {} };

/** That of a run of ours which is over, and leaves the component to the one that asks, or not. */
const over = (from: ComponentStatus, to: ComponentStatus, leaves = ["c1"]): Other => ({
  ...ours(from, to),
  over: { run: "fo-1", leaves },
});

describe("the components that a run changes", () => {
  it.each<[string, ComponentStatus, ComponentStatus | undefined]>([
    ["operational", "major_outage", "operational"],
    ["degraded_performance", "major_outage", "degraded_performance"],
    ["operational", "under_maintenance", "operational"],
    ["major_outage", "major_outage", undefined],
    ["partial_outage", "under_maintenance", undefined],
    ["under_maintenance", "under_maintenance", undefined],
    ["on_fire", "major_outage", undefined],
  ])("one at %s that shall show %s", (now, to, from) => {
    const { changed, named, left } = toSet({ c1: to }, component(now), []);
    expect(changed).toEqual(from === undefined ? {} : { c1: { from, to } });
    expect(named).toEqual(["c1"]);
    expect(left).toHaveLength(from === undefined ? 1 : 0);
  });

  it.each<[string, ComponentStatus, string, Other[], object]>([
    [
      "as bad as another run made it",
      "major_outage",
      "major_outage",
      [ours("operational", "major_outage")],
      { from: "operational", to: "major_outage" },
    ],
    [
      "better than another run made it",
      "under_maintenance",
      "major_outage",
      [ours("degraded_performance", "major_outage")],
      { from: "degraded_performance", to: "major_outage" },
    ],
    [
      "worse than another run made it",
      "major_outage",
      "under_maintenance",
      [theirs, ours("operational", "under_maintenance")],
      { from: "operational", to: "major_outage" },
    ],
    [
      "worse than somebody set it after another run",
      "major_outage",
      "degraded_performance",
      [ours("operational", "under_maintenance")],
      { from: "degraded_performance", to: "major_outage" },
    ],
    [
      "worse, and two runs met before somebody set it in between",
      "major_outage",
      "major_outage",
      [ours("partial_outage", "major_outage"), ours("operational", "major_outage")],
      { from: "partial_outage", to: "major_outage" },
    ],
  ])("one that shall be %s", (_what, to, now, others, kept) => {
    expect(toSet({ c1: to }, component(now), others)).toEqual({ changed: { c1: kept }, named: ["c1"], left: [] });
  });

  it("one that another incident only names is as it is", () => {
    expect(toSet({ c1: "major_outage" }, component("major_outage"), [theirs]).changed).toEqual({});
  });

  it("one that is not on the page is named to people", () => {
    expect(toSet({ c2: "major_outage" }, component("operational"), [])).toEqual({
      changed: {},
      named: [],
      left: ['The status page has no component "c2".'],
    });
  });
});

describe("the components that a run sets back", () => {
  const changed = { c1: { from: "degraded_performance", to: "major_outage" } } as const;

  it.each<[string, Other[], object, RegExp[]]>([
    ["major_outage", [], { c1: "degraded_performance" }, []],
    ["operational", [], {}, [/^Somebody else has set "Basket" to "operational"/]],
    ["major_outage", [theirs], {}, [/^"Basket" stays at "major outage" .* names it; set it back with that one\.$/]],
    [
      "major_outage",
      [ours("degraded_performance", "major_outage")],
      {},
      [/^"Basket" stays at "major outage" .* names it; it is set back with that one\.$/],
    ],
    [
      "major_outage",
      [ours("operational", "partial_outage")],
      { c1: "partial_outage" },
      [/^"Basket" is back at "partial outage" only .*; it is set back with that one\.$/],
    ],
    // Somebody made it worse before this run did.
    ["major_outage", [ours("operational", "under_maintenance")], { c1: "degraded_performance" }, []],
    ["operational", [ours("operational", "partial_outage")], {}, [/^Somebody else has set "Basket" to "operational"/]],
    ["partial_outage", [ours("operational", "partial_outage")], {}, [/^"Basket" stays at "partial outage"/]],
    [
      "partial_outage",
      [ours("operational", "partial_outage"), theirs],
      {},
      [/^"Basket" stays at "partial outage" .*; set it back with that one\.$/],
    ],
    [
      "major_outage",
      [over("operational", "major_outage")],
      { c1: "degraded_performance" },
      [/^The incident of fo-1, a run that is over, is still open on the status page; close it there\.$/],
    ],
    [
      "major_outage",
      [over("operational", "major_outage", [])],
      {},
      [/^"Basket" stays at "major outage" .*; set it back with that one\.$/],
    ],
    [
      "major_outage",
      [over("operational", "major_outage"), ours("operational", "partial_outage")],
      { c1: "partial_outage" },
      [/^"Basket" is back at "partial outage" only .*; it is set back with that one\.$/, /^The incident of fo-1/],
    ],
    // What shows is what the other made of it, and not what somebody else did.
    [
      "partial_outage",
      [over("operational", "partial_outage")],
      { c1: "degraded_performance" },
      [/^The incident of fo-1/],
    ],
  ])("one at %s, with %j open", (now, others, restored, left) => {
    const found = toRestore(changed, component(now), others);
    expect(found.restored).toEqual(restored);
    expect(found.left).toEqual(left.map((words) => expect.stringMatching(words) as unknown));
  });

  it("one that another run made worse stays so, though it is not what this one made of it", () => {
    const mine = { c1: { from: "operational", to: "under_maintenance" } } as const;
    const found = toRestore(mine, component("major_outage"), [ours("operational", "major_outage")]);
    expect(found.restored).toEqual({});
    expect(found.left).toEqual([expect.stringMatching(/^"Basket" stays at "major outage"/)]);
  });

  it("one that is gone", () => {
    expect(toRestore(changed, [], []).left).toEqual(['The component "c1" is no longer on the status page.']);
  });
});
