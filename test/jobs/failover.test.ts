import { describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import { previewLines } from "../../jobs/preview-lines.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import { hashPlan, inOrder } from "../../src/engine/plan.ts";
import type { Json } from "../../src/engine/step.ts";
import { eastDead, estate, estateWith, healthy, replica, saw, sawNothing, writer } from "./facts.ts";

const input = { toRegion: "us-west-2", service: "checkout" };
const planOf = (facts: FailoverFacts, wanted: Parameters<typeof failover.plan>[1] = input) =>
  failover.plan(estate, wanted, facts);
const graph = (facts: FailoverFacts) =>
  planOf(facts).nodes.map(({ step, after }) => `${step} < ${after.map((id) => id.split("/")[1]).join(", ")}`);

describe("the plan of a failover", () => {
  it("moves the data first, the people last, and lets the branches run together", () => {
    expect(graph(healthy)).toEqual([
      "point-config < ",
      "scale-deployment < point-config",
      "drain-old-side < ",
      "fence-writes < drain-old-side",
      "accept-split-brain < fence-writes",
      "catch-up < accept-split-brain, fence-writes",
      "accept-loss < catch-up",
      "promote-replica < accept-loss",
      "open-writes < promote-replica",
      "verify-database < open-writes, fence-writes, catch-up",
      "restart-pods < scale-deployment, verify-database, point-config",
      "verify-service < restart-pods",
      "shift-dns < verify-service",
      "verify-public < shift-dns",
      "watch-stability < verify-public",
    ]);
  });

  it("does not let the fence wait for a region that answers nobody", () => {
    expect(graph(eastDead)).toContain("fence-writes < ");
  });

  it("asks a person before traffic where the estate wants that", () => {
    const { nodes } = failover.plan(estateWith({ admission: "person" }), input, healthy);
    const steps = nodes.map(({ step }) => step);
    expect(steps.indexOf("admit-traffic")).toBe(steps.indexOf("shift-dns") - 1);
    expect(nodes.find(({ step }) => step === "shift-dns")?.after).toEqual(["checkout/admit-traffic"]);
  });

  it("names every target, holds no secret, and survives JSON unchanged", () => {
    const plan = planOf(healthy);
    expect(plan.nodes.find(({ step }) => step === "promote-replica")?.input).toEqual({
      service: "checkout",
      replica: {
        instance: "checkout-db-west",
        region: "us-west-2",
        host: "checkout-db-west.us-west-2.rds.lab",
        port: 5432,
        appRole: { env: "CHECKOUT_DB_URL" },
      },
      backupRetentionDays: 7,
    });
    const again = JSON.parse(JSON.stringify(plan)) as typeof plan;
    expect(again).toEqual(plan);
    expect(hashPlan(again, healthy as unknown as Json)).toBe(hashPlan(plan, healthy as unknown as Json));
    expect(inOrder(plan.nodes)).toEqual(plan.nodes);
  });

  it("takes the mode from what was seen, unless a person forces it", () => {
    const modeOf = (facts: FailoverFacts, wanted = input) => failover.preview(planOf(facts, wanted), facts).mode;
    const onlyReplica = { ...healthy, from: eastDead.from };
    const onlyMuster = { ...healthy, to: eastDead.to };
    expect([healthy, onlyReplica, onlyMuster, eastDead].map((facts) => modeOf(facts))).toEqual([
      "graceful",
      "graceful",
      "graceful",
      "ungraceful",
    ]);
    expect(modeOf(healthy, { ...input, force: "ungraceful" } as typeof input)).toBe("ungraceful");
  });

  it("refuses when there is nothing left to move", () => {
    const { sourceId: _, replication: __, ...standalone } = replica;
    const there: FailoverFacts = {
      ...healthy,
      to: { instance: saw(standalone), server: saw({ takesWrites: true, hearsWriter: false }) },
      dns: {
        ...healthy.dns,
        records: saw({
          "us-east-1": { weight: 0, ttl: 60, values: ["127.0.0.11"] },
          "us-west-2": { weight: 100, ttl: 60, values: ["127.0.0.21"] },
        }),
      },
    };
    expect(() => planOf(there)).toThrow(
      /^checkout is in us-west-2 already: .* Nothing was changed\. There is nothing left/,
    );
  });

  it("refuses a region and a service that the estate does not have", () => {
    expect(() => planOf(healthy, { ...input, toRegion: "us-west-9" })).toThrow(/"us-west-9" is not a region/);
    expect(() => planOf(healthy, { ...input, service: "toString" })).toThrow(/"toString" is not a service/);
  });
});

describe("the blockers of a failover", () => {
  const instance = (change: object) => ({
    ...healthy,
    to: { ...healthy.to, instance: saw({ ...replica, ...change }) },
  });
  const [config] = healthy.configs;
  const configured = (change: object): FailoverFacts => ({
    ...healthy,
    configs: [{ ...config, ...change } as typeof config & object],
  });
  const { sourceId: _, ...noReplica } = replica;
  const { known: __, ...neverSeen } = eastDead.from;
  const cases: [string, FailoverFacts, RegExp][] = [
    [
      "Route 53's control plane is down",
      { ...healthy, dns: { ...healthy.dns, records: sawNothing("Route 53 does not answer") } },
      /^Route 53's control plane cannot be used \(Route 53 does not answer\)/,
    ],
    [
      "the zone lacks the record of the new region",
      {
        ...healthy,
        dns: { ...healthy.dns, records: saw({ "us-east-1": { weight: 100, ttl: 60, values: ["127.0.0.11"] } }) },
      },
      /^the zone Z0LAB has no weighted A record checkout\.example\.com for us-west-2$/,
    ],
    ["the replica failed", instance({ status: "failed" }), /^checkout-db-west is "failed"/],
    ["the replica's disk is full", instance({ status: "storage-full" }), /^checkout-db-west is "storage-full"/],
    [
      "replication was terminated",
      instance({ replication: "terminated" }),
      /^replication to checkout-db-west was terminated/,
    ],
    [
      "it is no replica",
      { ...healthy, to: { ...healthy.to, instance: saw(noReplica) } },
      /is not a replica of checkout-db: its data/,
    ],
    [
      "the replica is not there",
      { ...healthy, to: { ...healthy.to, instance: sawNothing("RDS in us-west-2 has no instance checkout-db-west") } },
      /^the database checkout-db-west cannot be seen: RDS in us-west-2 has no instance/,
    ],
    ["nobody ever saw the old instance", { ...eastDead, from: neverSeen }, /^nobody knows the address of checkout-db/],
    [
      "GitOps keeps the key",
      configured({ now: saw({ value: "x", resourceVersion: "7", owner: { manager: "argocd", gitops: true } }) }),
      /^DB_HOST in shop\/app-config is kept by argocd/,
    ],
    [
      "the change of the key would be refused",
      configured({ dryRun: sawNothing("the cluster west: 403 forbidden") }),
      /^the change of DB_HOST in shop\/app-config would be refused: the cluster west/,
    ],
    [
      "the cluster answers a web page",
      {
        ...healthy,
        pods: healthy.pods.map((pods) => ({
          ...pods,
          found: sawNothing("the cluster west answered with a login page"),
        })),
      },
      /^the deployment shop\/checkout in us-west-2 cannot be seen: the cluster west answered with a login page$/,
    ],
    [
      "a right is missing",
      {
        ...healthy,
        rights: [{ deed: "scale shop/checkout", cluster: "west", needed: true, allowed: saw({ yes: false }) }],
      },
      /^Muster may not scale shop\/checkout in the cluster west$/,
    ],
  ];

  it.each(cases)("say that %s, and leave nothing to run", (_name, facts, sentence) => {
    const plan = planOf(facts);
    expect(plan.blockers).toContainEqual(expect.stringMatching(sentence));
    expect(plan.nodes).toEqual([]);
    expect(failover.preview(plan, facts).blockers).toEqual(plan.blockers);
  });

  it("are none in a healthy world, nor when the old region is dead", () => {
    expect([planOf(healthy).blockers, planOf(eastDead).blockers]).toEqual([[], []]);
  });

  it("let a run go on from a promotion that Muster made itself", () => {
    const facts: FailoverFacts = {
      ...healthy,
      to: { instance: saw(noReplica), server: saw({ takesWrites: true, hearsWriter: false }) },
      promotion: saw({ last: { region: "us-west-2", run: "fo-1", at: "2026-11-23T11:00:00.000Z" } }),
    };
    expect(planOf(facts).blockers).toEqual([]);
  });
});

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

describe("the preview of a failover", () => {
  it("shows what would change, what was seen, and what to fear", () => {
    expect(previewLines(failover.preview(planOf(eastDead), eastDead))).toMatchInlineSnapshot(`
      [
        "Move checkout to us-west-2, with the old side out of reach.",
        "  Writes go to: checkout-db (us-east-1) → checkout-db-west (us-west-2)",
        "  DB_HOST of shop/app-config (us-west-2): checkout-db.us-east-1.rds.lab → checkout-db-west.us-west-2.rds.lab (kept by kubectl)",
        "  Pods of shop/checkout (us-west-2): 1 → 3",
        "  Pods of shop/checkout (us-east-1): unknown → 0",
        "  DNS shares of checkout.example.com: us-east-1: 100, us-west-2: 0 → us-east-1: 0, us-west-2: 100",
        "  ! Customers now         not served since 11:58:20 UTC: it does not answer",
        "  ! Old side (us-east-1)  reached by nobody: checkout-db does not answer, and the replica does not hear it",
        "    Replica               checkout-db-west: available, replicating, has a backup",
        "    Replica behind        12 s by heartbeat, 0 bytes arrived and not applied",
        "    Writes lost           up to 15 s (objective 15 minutes)",
        "    Time to recover       about 7 minutes from the second approval, 60 s of it the records' TTL (objective 60 minutes, 100 seconds of it gone)",
        "    Pods us-west-2        0 ready of 1 asked for; 3 wanted afterwards",
        "    Pods us-east-1        the cluster east does not answer",
        "    Front door us-west-2  not healthy yet: it answers 503, certificate covers the name",
        "    DNS now               checkout.example.com: us-east-1: 100, us-west-2: 0, TTL 60 s",
        "  ! Depends on us-east-1  the records: Route 53's control plane is there",
        "    May approve           ana, ben, cleo: 2 of them, not the one who asked",
        "  ! Nobody can promise that checkout-db takes no writes any more: if it lives on unseen, there will be two writers. Approving accepts that; it is fenced as soon as it answers.",
        "  ! The records of checkout.example.com are changed through Route 53's control plane, which is in us-east-1.",
      ]
    `);
  });

  it("promises no loss where the fence must hold", () => {
    const { rows, warnings } = failover.preview(planOf(healthy), healthy);
    expect(rows.find(({ label }) => label === "Writes lost")?.value).toMatch(/^none/);
    expect(warnings).toEqual([expect.stringMatching(/us-east-1/)]);
  });

  it.each([
    [
      "a loss over the objective",
      { ...eastDead, objectives: { rtoSeconds: 3600, rpoSeconds: 10 } },
      /Up to 15 seconds .* objective is 10/,
    ],
    [
      "a loss nobody knows",
      { ...eastDead, lastBeat: sawNothing("no heartbeat") },
      /^How many writes would be lost is unknown/,
    ],
    [
      "a backup under way",
      { ...healthy, to: { ...healthy.to, instance: saw({ ...replica, status: "backing-up" }) } },
      /"backing-up"; the promotion waits/,
    ],
    [
      "a certificate for another name",
      { ...healthy, edge: saw({ ok: false, tookMs: 1, why: "x", certificateCovers: false }) },
      /does not cover its public name/,
    ],
  ] as [string, FailoverFacts, RegExp][])("warns of %s", (_name, facts, sentence) => {
    expect(planOf(facts).warnings).toContainEqual(expect.stringMatching(sentence));
  });
});
