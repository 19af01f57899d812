import { describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import { whenNamesMove } from "../../jobs/when-names-move.ts";
import type { FactsWithDatabase } from "../../src/facts/failover.ts";
import { eastDead, estate, estateWith, healthy, saw, sawNothing } from "./facts.ts";

const namesMove = (facts: FactsWithDatabase, admission: "automatic" | "person" = "automatic") =>
  whenNamesMove(facts, { admission }, { facts, mode: facts === healthy ? "graceful" : "ungraceful" });

/** The records with a health check, or an alias that looks at its target, for the new region. */
const withRecord = (also: object): FactsWithDatabase => ({
  ...eastDead,
  dns: {
    ...eastDead.dns,
    records: saw({
      "us-east-1": { weight: 100, ttl: 60, values: ["127.0.0.11"] },
      "us-west-2": { weight: 0, ttl: 60, values: ["127.0.0.21"], ...also },
    }),
  },
});

describe("names", () => {
  it("are led to the new region beside the promotion where nobody is served, and the new front door turns people away", () => {
    expect(namesMove(eastDead)).toEqual({
      when: "beside",
      because:
        "nobody is served by us-east-1, and us-west-2 turns people away (HTTP 503) until its database takes writes",
    });
  });

  it.each<[string, FactsWithDatabase]>([
    ["us-east-1 still answers", healthy],
    [
      "us-east-1 still answers",
      {
        ...eastDead,
        to: { ...eastDead.to, server: saw({ takesWrites: false, hearsWriter: true, lsn: "0/5", unappliedBytes: 0 }) },
      },
    ],
    [
      "nobody has seen that customers are not served",
      { ...eastDead, probes: saw({ ok: true, at: eastDead.lookedAt }) },
    ],
    ["nobody has seen that customers are not served", { ...eastDead, probes: sawNothing("nobody probed") }],
    [
      "the front door of us-west-2 was not seen to turn people away",
      { ...eastDead, edge: saw({ ok: true, tookMs: 3, status: 200 }) },
    ],
    [
      "the front door of us-west-2 was not seen to turn people away",
      { ...eastDead, edge: saw({ ok: false, tookMs: 1000, why: "does not answer" }) },
    ],
    [
      "with these records nobody can promise that names lead to us-west-2 before it serves",
      withRecord({ healthCheckId: "check-west" }),
    ],
    [
      "with these records nobody can promise that names lead to us-west-2 before it serves",
      withRecord({ alias: { name: "west.example.com", zone: "Z1", evaluateTargetHealth: true } }),
    ],
    [
      "with these records nobody can promise that names lead to us-west-2 before it serves",
      { ...eastDead, dns: { ...eastDead.dns, driver: "route53-failover" } },
    ],
  ])("are led last where %s", (because, facts) => {
    expect(namesMove(facts)).toEqual({ when: "last", because });
  });

  it("are led last where pods are restarted by a rollout", () => {
    const pods = eastDead.pods.map((each) => ({
      ...each,
      deployment: { ...each.deployment, restart: "rollout" as const },
    }));
    expect(namesMove({ ...eastDead, pods })).toEqual({
      when: "last",
      because: "checkout is restarted by a rollout, which a region needs that serves already",
    });
  });

  it("are led last where a person lets customers in", () => {
    expect(namesMove(eastDead, "person")).toEqual({
      when: "last",
      because: "the estate has a person let customers in",
    });
  });

  it("wait for every decision that people may still make, and letting in waits for the database", () => {
    const { nodes } = failover.plan(estate, { toRegion: "us-west-2", service: "checkout" }, eastDead);
    const after = Object.fromEntries(nodes.map(({ step, after: before }) => [step, before]));
    expect(after["shift-dns"]).toEqual(["checkout/accept-loss"]);
    expect(after["promote-replica"]).toEqual(["checkout/accept-loss", "checkout/fence-writes", "checkout/catch-up"]);
    expect(after["restart-pods"]).toEqual(["checkout/scale-deployment", "checkout/point-config"]);
    expect(after["await-pods"]).toEqual(["checkout/restart-pods", "checkout/verify-database"]);
    expect(after["verify-service"]).toEqual(["checkout/await-pods"]);
    expect(after["verify-public"]).toEqual(["checkout/verify-service", "checkout/shift-dns"]);
  });

  it("come with one look at a silent writer, and many where somebody forces a move away from one that lives", () => {
    const silenceOf = (facts: FactsWithDatabase, force?: "ungraceful") =>
      failover
        .plan(estateWith(), { toRegion: "us-west-2", service: "checkout", ...(force ? { force } : {}) }, facts)
        .nodes.find(({ step }) => step === "fence-writes")?.input;
    expect(silenceOf(eastDead)).toMatchObject({ silent: true });
    expect(silenceOf(healthy, "ungraceful")).not.toHaveProperty("silent");
  });
});
