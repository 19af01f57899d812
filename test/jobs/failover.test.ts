import { describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import { hashPlan, inOrder } from "../../src/engine/plan.ts";
import { drainOldSide, type DrainOldSideInput } from "../../src/steps/drain-old-side.ts";
import { acceptLoss, type AcceptLossInput } from "../../src/steps/accept-loss.ts";
import { eastDead, estate, estateWith, healthy, replica, saw, sawNothing, silent, writer } from "./facts.ts";

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
      "promote-replica < accept-loss, fence-writes, catch-up",
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

  it("waits as long as pods may take to end, and says so before anybody approves", () => {
    const slow = (graceSeconds: number): FailoverFacts => ({
      ...healthy,
      pods: healthy.pods.map((pods) => ({
        ...pods,
        found: saw({ replicas: 3, ready: 3, paused: false, graceSeconds: pods.side === "from" ? graceSeconds : 7200 }),
      })),
    });
    const drainOf = (facts: FailoverFacts) => {
      const plan = planOf(facts);
      const node = plan.nodes.find(({ step }) => step === "drain-old-side");
      const patience = drainOldSide.patienceSeconds as (input: DrainOldSideInput) => number;
      return { ...(node?.input as DrainOldSideInput), patience: patience(node?.input as DrainOldSideInput) };
    };
    const said = (facts: FailoverFacts) => planOf(facts).warnings.filter((text) => text.includes("terminationGrace"));
    expect(drainOf(slow(30))).toMatchObject({ patience: 300 });
    expect(drainOf(slow(30))).not.toHaveProperty("graceSeconds");
    expect(said(slow(60))).toEqual([]);
    expect(drainOf(slow(900))).toMatchObject({ graceSeconds: 900, patience: 930 });
    expect(said(slow(900))).toEqual([
      "Pods in us-east-1 may take 15 minutes to end (terminationGracePeriodSeconds): in this move nobody is served for that long at most, before its database is moved.",
    ]);
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
    expect(hashPlan(again, healthy)).toBe(hashPlan(plan, healthy));
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

describe("the backups of the new writer", () => {
  const { sourceId, replication } = replica;
  it.each([
    ["as many as the old one keeps", { ...writer, backupRetentionDays: 14 }, 0, 14],
    ["no fewer than it keeps itself", { ...writer, backupRetentionDays: 7 }, 30, 30],
    ["its own, where the old one is remembered as the replica it was", { ...writer, backupRetentionDays: 0 }, 35, 35],
    ["some, where neither keeps any", { ...writer, sourceId, replication, backupRetentionDays: 0 } as never, 0, 1],
  ])("are %s", (_what, known, own, days) => {
    const to = { ...eastDead.to, instance: saw({ ...replica, backupRetentionDays: own }) };
    const { nodes } = planOf({ ...eastDead, to, from: { ...eastDead.from, known } });
    expect(nodes.find(({ step }) => step === "promote-replica")?.input).toMatchObject({ backupRetentionDays: days });
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
      "the zone itself cannot be read",
      {
        ...healthy,
        dns: { ...healthy.dns, zone: sawNothing("AWS did not let Muster read the zone Z0LAB (route53:GetHostedZone)") },
      },
      /^the zone Z0LAB cannot be seen, .*: AWS did not let Muster read the zone Z0LAB \(route53:GetHostedZone\)$/,
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
      "it follows the old writer under another name",
      instance({ sourceId: writer.arn.replace(/checkout-db$/, "checkout-db-old") }),
      /^checkout-db-west is a replica of checkout-db-old in us-east-1, not of checkout-db in us-east-1: /,
    ],
    [
      "it follows one of that name in another region",
      instance({ sourceId: "arn:aws:rds:eu-west-1:123456789012:db:checkout-db" }),
      /^checkout-db-west is a replica of checkout-db in eu-west-1, not of checkout-db in us-east-1: /,
    ],
    [
      "it follows another replica beside it",
      instance({ sourceId: "checkout-db-reports" }),
      /^checkout-db-west is a replica of checkout-db-reports in us-west-2, not .* follows no chain of replicas$/,
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

  it("say that nobody can tell whether the old side lives, unless a person says it", () => {
    const blind = { ...eastDead, to: { ...eastDead.to, server: silent("checkout-db-west does not answer") } };
    const plan = planOf(blind);
    expect(plan.blockers).toEqual([
      expect.stringMatching(
        /^nobody can tell whether checkout-db lives: Muster gets no answer from it, and its replica was not seen \(checkout-db-west does not answer\)/,
      ),
    ]);
    const { headline, rows } = failover.preview(plan, blind);
    expect(headline).toBe("Move checkout to us-west-2, and nobody can tell whether the old side lives.");
    expect(rows.find(({ label }) => label.startsWith("Old side"))?.value).toBe(
      "not known: checkout-db does not answer, and the replica was not seen",
    );
    expect(planOf(blind, { ...input, force: "ungraceful" }).blockers).toEqual([]);
  });

  it("say that a server which refuses Muster lives, in its words", () => {
    const refuses = sawNothing('checkout-db: password authentication failed for user "muster"');
    const shut = { ...eastDead, from: { ...eastDead.from, server: refuses } };
    expect(planOf(shut).blockers).toEqual([
      expect.stringMatching(/^checkout-db answers, .* for user "muster"\. It lives/),
    ]);
    expect(planOf(shut, { ...input, force: "ungraceful" }).blockers).toEqual([]);
    const locked = { ...eastDead, to: { ...eastDead.to, server: refuses } };
    expect(planOf(locked, { ...input, force: "ungraceful" }).blockers).toEqual([
      expect.stringMatching(/^checkout-db-west answers, and does not let Muster look into it/),
    ]);
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
    const plan = planOf(facts);
    expect(plan.blockers).toEqual([]);
    // What that run found and asked is past: nobody is asked whether to promote what was promoted.
    const loss = plan.nodes.find(({ step }) => step === "accept-loss")?.input as AcceptLossInput;
    expect(loss.shownLossSeconds).toBeNull();
    expect(acceptLoss.question(loss, { "catch-up": { inRecovery: false, lossSeconds: null } })).toBeUndefined();
  });
});
