import { describe, expect, it } from "@jest/globals";
import { toldToCustomers } from "../../jobs/customers.ts";
import { failoverRegion } from "../../jobs/failover-region.ts";
import { failover } from "../../jobs/failover.ts";
import { words } from "../../src/statuspage/words.ts";
import { at, eastDead, estate, estateWithFront, front, healthy, sawNothing } from "../jobs/facts.ts";

const wanted = { toRegion: "us-west-2", service: "checkout" };
const says = (facts: typeof healthy, inside = estate) =>
  (failover.plan(inside, wanted, facts).announcements ?? []).map(({ on, payload }) => ({
    on: on.kind,
    status: payload.statusPage?.status,
    shows: Object.values(payload.statusPage?.components ?? {}),
    body: payload.statusPage?.body,
  }));

describe("what customers are told of a move", () => {
  it("of a lost region: an outage, until it was seen to be over", () => {
    expect(says(eastDead).map(({ on, status }) => `${on}: ${status}`)).toEqual([
      "started: investigating",
      "done: identified",
      "done: monitoring",
      "done: resolved",
      "parked: identified",
      "ended: identified",
    ]);
    for (const { shows } of says(eastDead)) expect(shows).toEqual(["major_outage", "major_outage"]);
  });

  it("of a planned one: maintenance, because nothing answers until the other side does", () => {
    for (const { shows } of says(healthy)) expect(shows).toEqual(["under_maintenance", "under_maintenance"]);
    expect(says(healthy)[0]?.body).toMatch(/^We are moving the services named here to another location\./);
  });

  it.each([
    ["maintenance where customers are served", front, undefined, "under_maintenance"],
    [
      "maintenance where nobody has looked",
      { ...front, probes: sawNothing("no probe") },
      undefined,
      "under_maintenance",
    ],
    ["an outage where they are not", { ...front, probes: eastDead.probes }, undefined, "major_outage"],
    ["an outage where a person forced it", front, "ungraceful", "major_outage"],
  ] as const)("of a service that keeps no data: %s, alone or with its region", (_what, facts, force, shows) => {
    const inside = estateWithFront();
    const toRegion = "us-west-2";
    const alone = failover.plan(inside, { toRegion, service: "front", force }, facts);
    const all = { toRegion, lookedAt: at, services: { front: facts }, held: {}, unmovable: {} };
    for (const plan of [alone, failoverRegion.plan(inside, { toRegion, force }, all)]) {
      const [told] = plan.announcements ?? [];
      const name = words[shows === "major_outage" ? "ungraceful" : "graceful"].name;
      expect(told?.payload.statusPage).toMatchObject({ name, status: "investigating" });
      expect(Object.values(told?.payload.statusPage?.components ?? {})).toEqual([shows, shows]);
    }
  });

  it("is nothing where the estate names no page, or no component of the service", () => {
    const { statusPage, ...pageless } = estate;
    expect(statusPage).toBeDefined();
    expect(says(healthy, pageless)).toEqual([]);
    const { nodes } = failover.plan(estate, wanted, healthy);
    const services = { checkout: { ...estate.services["checkout"]!, statusComponents: [] } };
    expect(toldToCustomers({ ...estate, services }, ["checkout"], "graceful", nodes)).toEqual([]);
  });

  it("of several services at once waits for all of them", () => {
    const { nodes } = failover.plan(estate, wanted, healthy);
    const twins = nodes.map((node) => ({ ...node, id: node.id.replace("checkout/", "basket/"), service: "basket" }));
    const services = { checkout: estate.services["checkout"]!, basket: estate.services["checkout"]! };
    const told = toldToCustomers({ ...estate, services }, ["checkout", "basket"], "graceful", [...nodes, ...twins]);
    expect(told[2]?.on).toEqual({ kind: "done", steps: ["checkout/verify-public", "basket/verify-public"] });
    expect(Object.keys(told[2]?.payload.statusPage?.components ?? {})).toHaveLength(2);
  });

  it.each(Object.entries(words))("in a %s move is short, and names nothing of ours", (_mode, texts) => {
    for (const text of Object.values(texts).filter((value) => value !== texts.components)) {
      expect(text.length).toBeLessThan(140);
      expect(text).not.toMatch(/muster|failover|region|us-|replica|database|checkout|promot|fence|\brds\b|dns/i);
    }
  });
});
