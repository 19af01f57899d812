import { describe, expect, it } from "@jest/globals";
import { wavesOf } from "../../jobs/waves.ts";
import type { Estate } from "../../src/estate.ts";
import { estateOf } from "./facts.ts";

describe("waves", () => {
  const order = (services: Record<string, Partial<Estate["services"][string]>>) =>
    wavesOf(estateOf(services).services, Object.keys(services));

  it("go by tier, and by a service's own figure where it has one", () => {
    expect(
      order({ a: { tier: "standard" }, b: { tier: "critical" }, c: { tier: "important" }, d: { rtoSeconds: 600 } }),
    ).toEqual([["b", "d"], ["c"], ["a"]]);
    expect(order({ a: { tier: "critical", rtoSeconds: 100_000 }, b: { tier: "critical" } })).toEqual([["b"], ["a"]]);
  });

  it("never put a service before what it needs, however far down that stands", () => {
    expect(
      order({
        a: { tier: "critical", dependsOn: ["b"] },
        b: { tier: "standard", dependsOn: ["c"] },
        c: { tier: "standard" },
        d: { tier: "standard" },
      }),
    ).toEqual([["a", "b", "c"], ["d"]]);
  });

  it("are known at once of a deep and wide estate, in which 20^20 ways lead to the last one", () => {
    const layer = (depth: number) => Array.from({ length: 20 }, (_, index) => `${depth}-${index}`.padStart(5, "0"));
    const services = Object.fromEntries(
      Array.from({ length: 21 }, (_, depth) => depth).flatMap((depth) =>
        layer(depth).map((name) => [
          name,
          { tier: "standard" as const, dependsOn: depth < 20 ? layer(depth + 1) : [] },
        ]),
      ),
    );
    const [urgent = ""] = layer(10);
    const after = Array.from({ length: 10 }, (_, index) => layer(index + 11)).flat();
    const sooner = [urgent, ...after].toSorted();
    const estate = { ...services, [urgent]: { dependsOn: layer(11), tier: "critical" as const } };
    expect(order(estate)).toEqual([
      sooner,
      Object.keys(services)
        .filter((name) => !sooner.includes(name))
        .toSorted(),
    ]);
  });
});
