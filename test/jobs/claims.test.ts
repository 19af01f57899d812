import { describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import { eastDead, estate, healthy, replica, saw, sawNothing, writer } from "./facts.ts";

const input = { toRegion: "us-west-2", service: "checkout" };
const planOf = (facts: FailoverFacts, wanted: Parameters<typeof failover.plan>[1] = input) =>
  failover.plan(estate, wanted, facts);

describe("the claims of a failover", () => {
  const broken = (before: FailoverFacts, now: FailoverFacts, wanted = input) =>
    failover.broken(planOf(before, wanted), now);
  const weights = (east: number, west: number) => ({
    ...healthy.dns,
    records: saw({
      "us-east-1": { weight: east, ttl: 60, values: ["127.0.0.11"] },
      "us-west-2": { weight: west, ttl: 60, values: ["127.0.0.21"] },
    }),
  });
  const { sourceId: _, ...noReplica } = replica;
  const [config] = healthy.configs;

  it("hold while the world stays as it was, and while it cannot be looked at", () => {
    const blind: FailoverFacts = {
      ...healthy,
      dns: { ...healthy.dns, records: sawNothing("throttled") },
      to: { ...healthy.to, instance: sawNothing("RDS does not answer") },
      configs: healthy.configs.map((one) => ({ ...one, now: sawNothing("the cluster west does not answer") })),
    };
    expect([broken(healthy, healthy), broken(eastDead, eastDead), broken(healthy, blind)]).toEqual([[], [], []]);
  });

  const cases: [string, FailoverFacts, FailoverFacts, string][] = [
    [
      "who writes",
      healthy,
      { ...healthy, from: { ...healthy.from, server: saw({ takesWrites: false, hearsWriter: true }) } },
      "no longer true: checkout-db takes writes; it takes no writes now",
    ],
    [
      "what DNS answers",
      healthy,
      { ...healthy, dns: weights(50, 50) },
      "no longer true: checkout.example.com is answered with us-east-1: 100, us-west-2: 0; now with us-east-1: 50, us-west-2: 50",
    ],
    [
      "the replica",
      healthy,
      { ...healthy, to: { ...healthy.to, instance: saw(noReplica) } },
      "no longer true: checkout-db-west is a replica; it is none now",
    ],
    [
      "the replica's state",
      healthy,
      { ...healthy, to: { ...healthy.to, instance: saw({ ...replica, status: "failed" }) } },
      'no longer true: checkout-db-west is a replica; RDS says "failed" of it now',
    ],
    [
      "the config value",
      healthy,
      {
        ...healthy,
        configs: [{ ...config, now: saw({ value: "elsewhere", resourceVersion: "9" }) } as typeof config & object],
      },
      'no longer true: DB_HOST of shop/app-config is "checkout-db.us-east-1.rds.lab"; it is "elsewhere" now',
    ],
    [
      "the loss shown",
      eastDead,
      { ...eastDead, lastBeat: saw({ at: "2026-11-23T11:58:15.000Z" }) },
      "no longer true: at most 15 seconds of writes are lost; now it would be 20 seconds",
    ],
    [
      "the old side out of reach",
      eastDead,
      { ...eastDead, from: healthy.from },
      "no longer true: checkout-db can be reached by nobody; Muster reaches it now",
    ],
    [
      "the old side at hand",
      healthy,
      { ...eastDead, from: { ...eastDead.from, known: writer } },
      "no longer true: checkout-db can be reached; neither Muster nor the replica reaches it now",
    ],
  ];

  it.each(cases)("break by name: %s", (_name, before, now, sentence) => {
    expect(broken(before, now)).toContain(sentence);
  });

  it("bear a replica that is backing up, a smaller loss, and one vantage point less", () => {
    const busy = { ...healthy, to: { ...healthy.to, instance: saw({ ...replica, status: "backing-up" }) } };
    const closer = { ...eastDead, lastBeat: saw({ at: "2026-11-23T11:58:02.000Z" }) };
    expect([
      broken(healthy, busy),
      broken(eastDead, closer),
      broken(healthy, { ...healthy, from: eastDead.from }),
    ]).toEqual([[], [], []]);
  });

  it("say nothing of the old side when the mode was forced", () => {
    const forced = { ...input, force: "ungraceful" } as typeof input;
    expect(broken(healthy, { ...healthy, from: eastDead.from, to: eastDead.to }, forced)).toEqual([]);
  });
});
