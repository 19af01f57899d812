import { describe, expect, it } from "@jest/globals";
import { failoverRegion } from "../../jobs/failover-region.ts";
import { previewLines } from "../../jobs/preview/lines.ts";
import { wavesIn } from "../../jobs/preview/region.ts";
import { absorb } from "../../src/engine/absorb.ts";
import { decide, standing } from "../../src/engine/decide.ts";
import type { EventBody } from "../../src/engine/events.ts";
import { tell } from "../../src/engine/tell.ts";
import { fold } from "../../src/engine/fold.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import type { RegionFacts } from "../../src/facts/region.ts";
import { at, eastDead, estateOf, healthy, promotedBefore, replica, saw, sawNothing } from "./facts.ts";
import { by } from "./traffic-facts.ts";

const factsOf = (services: Record<string, FailoverFacts>, more: Partial<RegionFacts> = {}): RegionFacts => ({
  toRegion: "us-west-2",
  lookedAt: at,
  services: Object.fromEntries(
    Object.entries(services).map(([service, facts]) => [
      service,
      { ...facts, service, dns: { ...facts.dns, name: { ...facts.dns.name, name: `${service}.example.com` } } },
    ]),
  ),
  held: {},
  unmovable: {},
  ...more,
});

const there: FailoverFacts = {
  ...healthy,
  to: {
    instance: saw({ ...replica, sourceId: undefined } as never),
    server: saw({ takesWrites: true, hearsWriter: false, lsn: "0/5000000", unappliedBytes: 0, beatAt: at }),
  },
  dns: {
    ...healthy.dns,
    records: saw({
      "us-east-1": { weight: 0, ttl: 60, values: ["1"] },
      "us-west-2": { weight: 100, ttl: 60, values: ["2"] },
    }),
  },
};

const wanted = { toRegion: "us-west-2" };
const shop = estateOf({
  checkout: { tier: "critical", dependsOn: ["ledger"] },
  ledger: { tier: "standard" },
  search: { tier: "important" },
  blog: { tier: "standard" },
});
const planOf = (facts: RegionFacts, of = shop) => failoverRegion.plan(of, wanted, facts);
const all = (facts: FailoverFacts) => factsOf({ checkout: facts, ledger: facts, search: facts, blog: facts });

describe("the plan of a region", () => {
  it("holds every service's own steps, each wave behind the one before it", () => {
    const plan = planOf(all(healthy));
    expect(wavesIn(plan)).toEqual([["checkout", "ledger"], ["search"], ["blog"]]);
    expect(plan.locks).toEqual(["checkout", "ledger", "search", "blog"]);
    const firsts = plan.nodes.filter(({ after }) => after.every((id) => id.endsWith("/start-wave")));
    const waits = Object.fromEntries(firsts.map(({ id, after }) => [id, after]));
    expect(waits["checkout/point-config"]).toEqual([]);
    expect(waits["ledger/drain-old-side"]).toEqual([]);
    expect(waits["search/point-config"]).toEqual(["wave-2/start-wave"]);
    expect(waits["blog/drain-old-side"]).toEqual(["wave-3/start-wave"]);
    expect(waits["wave-3/start-wave"]).toEqual(["wave-2/start-wave"]);
  });

  it.each([
    ["weighted records", all(healthy)],
    ["failover records", all(by("route53-failover"))],
    ["both", factsOf({ checkout: healthy, ledger: by("route53-failover"), search: healthy, blog: healthy })],
  ])(
    "tells each change of %s which wave it is of, and how many of its wave and zone go out with it",
    (_kind, facts) => {
      const together = planOf(facts).nodes.flatMap(({ step, service, input }) => {
        const { together: of, wave } = input as { together: number; wave: number };
        return ["shift-dns", "swap-records"].includes(step) ? [[service, [wave, of]]] : [];
      });
      expect(Object.fromEntries(together)).toEqual({ checkout: [1, 2], ledger: [1, 2], search: [2, 1], blog: [3, 1] });
    },
  );

  it("is decided by those whom the estate names for regions", () => {
    expect(planOf(all(healthy)).approvers).toEqual(["ana", "ben"]);
    expect(failoverRegion.approvers({ ...shop, region_approvers: undefined })).toEqual(["ana", "ben", "cleo"]);
  });

  it("leaves out, by name and with the reason, what is there, what another run has, and what cannot be moved now", () => {
    const blocked = { ...healthy, dns: { ...healthy.dns, records: sawNothing("Route 53 does not answer") } };
    const facts = factsOf(
      { checkout: healthy, search: there, blog: blocked },
      { held: { ledger: "fo-1" }, unmovable: { legacy: "legacy has no database in us-west-2" } },
    );
    const plan = planOf(facts);
    expect(plan.locks).toEqual(["checkout"]);
    expect(plan.blockers).toEqual([]);
    expect(plan.warnings.join("\n")).toMatch(/ledger is not moved by this: run fo-1 has it in its hands\./);
    expect(plan.warnings.join("\n")).toMatch(/blog is not moved by this: .*Route 53/);
    expect(plan.warnings.join("\n")).toMatch(/legacy is not moved by this: legacy has no database in us-west-2\./);
    expect(plan.warnings.join("\n")).not.toMatch(/search is not moved/);
    // Its report tells the same once it is over.
    expect(plan.left).toEqual([
      { service: "ledger", because: "run fo-1 has it in its hands" },
      { service: "legacy", because: "legacy has no database in us-west-2" },
      { service: "blog", because: expect.stringMatching(/Route 53/) },
    ]);
    const view = fold(plan, []);
    expect(tell({ id: "fr-1", plan }, view, { kind: "ended", outcome: "done" }, new Date()).line).toBe(
      "Done: move every service to us-west-2. ledger and 2 more were left out of it: the report says why.",
    );
    expect(planOf(all(healthy)).left).toBeUndefined();
  });

  it("cannot be approved where nothing can be moved, and is refused where everything is there", () => {
    const blocked = { ...healthy, dns: { ...healthy.dns, records: sawNothing("Route 53 does not answer") } };
    const plan = planOf(factsOf({ checkout: blocked }));
    expect(plan.nodes).toEqual([]);
    expect(plan.blockers).toEqual([expect.stringMatching(/^checkout: /)]);
    expect(() => planOf(factsOf({ checkout: there }))).toThrow(/Every service is in us-west-2 already: checkout\./);
  });

  it("stands on each service's own claims, and says of whom one is broken", () => {
    const plan = planOf(all(healthy));
    expect(failoverRegion.broken(plan, all(healthy))).toEqual([]);
    const later = all(healthy);
    later.services["search"] = { ...eastDead, service: "search" };
    expect(failoverRegion.broken(plan, later).join("\n")).toMatch(
      /^no longer true: search: checkout-db can be reached/m,
    );
    expect(failoverRegion.broken(plan, later).join("\n")).not.toMatch(/ledger/);
  });
});

describe("the preview of a region", () => {
  it("is a row a service, wave by wave, and the sums", () => {
    const facts = all(eastDead);
    const lines = previewLines(failoverRegion.preview(planOf(facts), facts));
    expect(lines[0]).toBe("Move 4 services to us-west-2, in 3 waves.");
    expect(lines.filter((line) => /^ {2}[! ] \d\. /.test(line)).map((line) => line.replaceAll(/\s+/g, " "))).toEqual([
      expect.stringMatching(/^ ! 1\. checkout ungraceful, loses up to 15 s, about \d+ minutes once its wave begins/),
      expect.stringMatching(/^ ! 1\. ledger ungraceful/),
      expect.stringMatching(/^ ! 2\. search ungraceful/),
      expect.stringMatching(/^ ! 3\. blog ungraceful/),
    ]);
    expect(lines.join("\n")).toMatch(/Names move +beside the promotion for 4 of 4, whose customers nobody serves/);
    expect(lines.join("\n")).toMatch(/Time to recover +about \d+ minutes for all: \d+ minutes, then/);
  });

  it("promises nothing of a service that an earlier run promoted", () => {
    const facts = factsOf({ checkout: healthy, ledger: promotedBefore, search: healthy, blog: healthy });
    const { rows } = failoverRegion.preview(planOf(facts), facts);
    expect(rows.filter(({ label }) => /lost|\. (ledger|blog)$/.test(label))).toMatchObject([
      { label: "Writes lost", value: "unknown for some of them", tone: "bad" },
      { label: "1. ledger", value: expect.stringMatching(/^graceful, loss unknown, /), tone: "bad" },
      { label: "3. blog", value: expect.stringMatching(/^graceful, loses nothing, /), tone: "good" },
    ]);
  });

  it("stays readable for a hundred services", () => {
    const names = Array.from({ length: 100 }, (_, index) => `service-${index}`);
    const big = estateOf(Object.fromEntries(names.map((name) => [name, {}])));
    const facts = factsOf(Object.fromEntries(names.map((name) => [name, healthy])));
    const { rows, headline } = failoverRegion.preview(planOf(facts, big), facts);
    expect(headline).toBe("Move 100 services to us-west-2, in 1 wave.");
    expect(rows.length).toBeLessThan(110);
  });
});

describe("the preview of a thousand services", () => {
  const names = Array.from({ length: 1000 }, (_, index) => `service-${index}`);
  const tiers = ["critical", "important", "standard"] as const;
  const big = estateOf(
    Object.fromEntries(names.map((name, index) => [name, { tier: tiers[index % 3] ?? "standard" }])),
  );
  const facts = factsOf(Object.fromEntries(names.map((name, index) => [name, index === 7 ? eastDead : healthy])));
  const shown = failoverRegion.preview(planOf(facts, big), facts);

  it("has a row a wave, and one for each service that is not as it should be", () => {
    expect(shown.rows.filter(({ label }) => label.startsWith("Wave")).map(({ label, tone }) => [label, tone])).toEqual([
      ["Wave 1", "good"],
      ["Wave 2", "bad"],
      ["Wave 3", "good"],
    ]);
    expect(shown.rows.map(({ label }) => label)).toContain("2. service-7");
    expect(shown.rows.find(({ label }) => label === "Names move")?.value).toMatch(
      /^beside the promotion for 1 of 1000, .*; last for the other 999$/,
    );
    expect(shown.rows.length).toBeLessThan(15);
  });

  it("says once what is to be read of many of them", () => {
    const { warnings } = planOf(facts, big);
    expect(warnings.length).toBeLessThan(20);
    const plane = warnings.filter((warning) => /control plane, which is in us-east-1/.test(warning));
    expect(plane).toEqual([
      expect.stringMatching(/^service-\d+ and 999 more services: The records of service-\d+\.example\.com are changed/),
    ]);
  });

  it("says once of many that they stay, and why", () => {
    const unmovable = names.slice(1).map((name) => [name, `${name} has no database in us-west-2`]);
    const plan = planOf(factsOf({ "service-0": healthy }, { unmovable: Object.fromEntries(unmovable) }), big);
    expect(plan.warnings.filter((warning) => warning.includes("not moved"))).toEqual([
      "service-1 and 998 more services are not moved by this: service-1 has no database in us-west-2.",
    ]);
    const few = names.slice(1, 42).map((name, index) => [name, index < 2 ? "two" : `${name} differs: ${index}`]);
    const two = planOf(factsOf({ "service-0": healthy }, { unmovable: Object.fromEntries(few) }), big);
    expect(two.warnings).toContain("service-1 and 1 more service are not moved by this: two.");
  });

  it("counts the records that would change instead of naming each", () => {
    expect(shown.diffs.map(({ what }) => what)).toEqual(["DNS shares of 1000 names"]);
  });
});

describe("a region's move that is turned back", () => {
  const plan = planOf(all(eastDead));
  const waves = plan.nodes.filter(({ step }) => step === "start-wave").map(({ id }) => id);
  const begun: EventBody[] = [
    { kind: "started" },
    { kind: "first-look", step: waves[0] ?? "" },
    { kind: "intent", step: "search/point-config", attempt: 1, before: {} },
    { kind: "applied", step: "search/point-config", attempt: 1 },
  ];
  const back: EventBody = { kind: "turned-back", by: "ben", verb: "cancel", signal: 1 };
  const undone: EventBody = { kind: "undone", step: "search/point-config" };
  const promoting: EventBody = { kind: "intent", step: "checkout/promote-replica", attempt: 1, before: {} };
  const through: EventBody[] = plan.nodes
    .filter(({ service }) => service === "checkout")
    .map(({ id }) => ({ kind: "done", step: id, result: {} }));

  const viewOf = (...bodies: EventBody[]) =>
    fold(
      plan,
      bodies.map((body, index) => ({ ...body, seq: index + 1, epoch: 1, at: new Date(index * 1000) })),
    );
  const after = (...bodies: EventBody[]) => {
    const view = viewOf(...bodies);
    const { start, undo, final } = decide(plan, view, new Date(60_000), () => "go on?");
    return { standing: standing(view), start: start.map(({ id }) => id), undo: undo.map(({ id }) => id), final };
  };

  it("ends once what had been changed is undone, and lets no later wave begin", () => {
    expect(waves.length).toBeGreaterThan(1);
    expect(after(...begun).start).toContain(waves[0]);
    expect(after(...begun, back)).toEqual({ standing: "turning back", start: [], undo: ["search/point-config"] });
    expect(after(...begun, back, undone).final).toEqual({
      outcome: "cancelled",
      because: "ben turned it back; what had been changed was undone",
    });
  });

  it("ends where a wave's start was parked, because its journal could not be read", () => {
    const parked: EventBody = { kind: "parked", step: waves[0] ?? "", because: "it could not be looked at" };
    expect(after(...begun, parked, back, undone).final).toMatchObject({ outcome: "cancelled" });
  });

  it("goes on with the service past the point of no return, waits for no wave, and ends when that one is through", () => {
    const mixed = [...begun, promoting, back, undone];
    expect(after(...mixed)).toMatchObject({ standing: "turning back", undo: [] });
    expect(after(...mixed).final).toBeUndefined();
    expect(new Set(after(...mixed).start.map((id) => id.split("/")[0]))).toEqual(new Set(["checkout"]));
    const stuck: EventBody = { kind: "parked", step: "checkout/promote-replica", because: "it is modifying" };
    const waive = { verb: "waive", step: "checkout/promote-replica", by: "ben", seq: 2, at: new Date(0) } as const;
    expect(absorb(plan, viewOf(...mixed, stuck), waive)).toMatchObject([{ kind: "waive-seconded" }]);
    const undoStuck: EventBody = { kind: "parked", step: "search/point-config", because: "it is refused" };
    const refused = absorb(plan, viewOf(...begun, back, undoStuck), { ...waive, step: "search/point-config" });
    expect(refused).toMatchObject([{ kind: "refused", because: expect.stringContaining("an undo is not waived") }]);
    expect(after(...mixed, ...through).final).toEqual({
      outcome: "cancelled",
      because: "ben turned it back; what had been changed was undone, but for checkout, past the point of no return",
    });
  });
});
