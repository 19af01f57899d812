import { describe, expect, it } from "@jest/globals";
import type { ComponentStatus } from "../../src/adapters/statuspage.ts";
import { toRestore, toSet } from "../../src/statuspage/components.ts";

const component = (status: string) => [{ id: "c1", name: "Basket", status }];

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
    const { changed, named, left } = toSet({ c1: to }, component(now));
    expect(changed).toEqual(from === undefined ? {} : { c1: { from, to } });
    expect(named).toEqual(["c1"]);
    expect(left).toHaveLength(from === undefined ? 1 : 0);
  });

  it("one that is not on the page is named to people", () => {
    expect(toSet({ c2: "major_outage" }, component("operational"))).toEqual({
      changed: {},
      named: [],
      left: ['The status page has no component "c2".'],
    });
  });
});

describe("the components that a run sets back", () => {
  const changed = { c1: { from: "degraded_performance", to: "major_outage" } } as const;

  it.each([
    ["major_outage", [], { c1: "degraded_performance" }, []],
    ["operational", [], {}, [/^Somebody else has set "Basket" to "operational"/]],
    ["major_outage", ["c1"], {}, [/^"Basket" stays at "major outage" .* because another open incident names it/]],
  ])("one at %s, with %j named elsewhere", (now, claimed, restored, left) => {
    const found = toRestore(changed, component(now), new Set(claimed));
    expect(found.restored).toEqual(restored);
    expect(found.left).toEqual(left.map((words) => expect.stringMatching(words) as unknown));
  });

  it("one that is gone", () => {
    expect(toRestore(changed, [], new Set()).left).toEqual(['The component "c1" is no longer on the status page.']);
  });
});
