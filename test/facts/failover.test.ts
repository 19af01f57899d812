import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import type { Context } from "../../src/context.ts";
import { lookAtClaims, lookAtFailover, type FailoverFacts } from "../../src/facts/failover.ts";
import { seen, whyUnseen } from "../../src/facts/fact.ts";
import { predictedLoss, seenFrom } from "../../src/facts/moves.ts";
import { east, endpointOf, west } from "../../src/lab/estate.ts";
import { delayReplay } from "../../src/lab/postgres-pair.ts";
import { beatOnce } from "../../src/watch/heartbeat.ts";
import { probeServices } from "../../src/watch/prober.ts";
import { estate, estateWithFront, withDatabase } from "../jobs/facts.ts";
import { openBench, type Bench } from "../steps/bench.ts";

const input = { toRegion: west, service: "checkout" };

describe("preflight, in a lab", () => {
  let bench: Bench;
  let ctx: Context;
  const look = async () => withDatabase(await lookAtFailover(ctx, input));
  const beat = async () => {
    const service = estate.services["checkout"];
    if (service) await beatOnce(ctx, "checkout", service);
  };
  const blockers = (facts: FailoverFacts) => failover.plan(estate, input, facts).blockers;
  const until = async (holds: () => Promise<boolean>) => {
    for (let attempt = 0; attempt < 200 && !(await holds()); attempt += 1) await bench.ctx.clock.sleep(5);
  };

  beforeAll(async () => {
    // Near the wall's own pace: a look takes wall time, and must not be hours of the lab.
    bench = await openBench({ rate: 10 });
    ctx = { ...bench.ctx, estate, callTimeoutMs: 2500 };
    await beat();
    await probeServices(ctx);
    await until(async () => seen((await look()).to.server)?.beatAt !== undefined);
  });
  afterAll(() => bench.close());

  it("sees a healthy world whole, and blocks nothing", async () => {
    const facts = await look();
    expect(blockers(facts)).toEqual([]);
    expect(seenFrom(facts)).toEqual({ muster: "yes", replica: "yes" });
    expect(seen(facts.to.instance)).toMatchObject({ status: "available", endpoint: { host: endpointOf(west) } });
    expect(seen(facts.from.server)).toMatchObject({ takesWrites: true });
    expect(seen(facts.configs[0]?.now ?? { at: "", unknown: "" })?.value).toBe(endpointOf(east));
    expect(facts.configs.map(({ dryRun }) => seen(dryRun))).toEqual([{ accepted: true }]);
    expect(facts.rights.map(({ allowed }) => seen(allowed)?.yes)).toEqual([true, true, true, true]);
    expect(seen(facts.dns.records)).toMatchObject({ [east]: { weight: 100 }, [west]: { weight: 0 } });
    expect(seen(facts.dns.zone)).toMatchObject({ name: "example.com" });
    expect(seen(facts.edge)?.certificateCovers).toBe(true);
    expect(seen(facts.probes)).toMatchObject({ ok: true });
    expect(predictedLoss(facts)).toBe(5);
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  });

  it("sees a replica that is late on purpose", async () => {
    const { server } = bench.pair.replica;
    const delayed = async () => blockers(await look()).some((blocker) => blocker.includes("recovery_min_apply_delay"));
    await delayReplay(server, 3600);
    await until(delayed);
    expect(seen((await look()).to.server)).toMatchObject({ applyDelaySeconds: 3600 });
    await delayReplay(server, 0);
    await until(async () => !(await delayed()));
    expect(blockers(await look())).toEqual([]);
  });

  it("changes nothing by looking", async () => {
    const before = bench.log.all.length;
    await look();
    const asked = bench.log.all.slice(before);
    expect(asked.length).toBeGreaterThan(8);
    expect(asked.flatMap(({ effects }) => effects)).toEqual([]);
    expect(bench.clusters[west]?.config("shop", "app-config")).toEqual({ DB_HOST: endpointOf(east) });
  });

  it("asks no database about a service that keeps no data, and the old side's cluster for no right", async () => {
    const before = bench.log.all.length;
    const facts = await lookAtFailover({ ...ctx, estate: estateWithFront() }, { toRegion: west, service: "front" });
    expect(bench.log.all.slice(before).map(({ server }) => server)).not.toContain("rds");
    expect(Object.keys(facts)).not.toEqual(expect.arrayContaining(["to"]));
    expect(facts).toMatchObject({ fromRegion: east, configs: [] });
    expect(facts.pods.map(({ side }) => side)).toEqual(["to", "from"]);
    expect([...new Set(facts.rights.map(({ cluster }) => cluster))]).toEqual(["west"]);
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  });

  it("says what a web page in place of a cluster means", async () => {
    bench.clusters[west]?.misbehave("html", 20);
    const facts = await look();
    bench.clusters[west]?.misbehave("html", 0);
    expect(blockers(facts)).toContainEqual(
      expect.stringMatching(/^the deployment shop\/checkout in us-west-2 cannot be seen: .*login page/),
    );
    await until(async () => blockers(await look()).length === 0);
  });

  it("finds who keeps a key, and that a right is missing, before anybody approves", async () => {
    bench.clusters[west]?.editConfig("shop", "app-config", { DB_HOST: "elsewhere" }, "argocd-controller");
    const rules = bench.clusters[west]?.rules.splice(0) ?? [];
    expect(blockers(await look())).toEqual(
      expect.arrayContaining([expect.stringMatching(/^Muster may not scale shop\/checkout in the cluster west$/)]),
    );
    bench.clusters[west]?.rules.push(...rules);
    expect(blockers(await look())).toEqual([expect.stringMatching(/is kept by argocd-controller/)]);
    bench.clusters[west]?.editConfig("shop", "app-config", { DB_HOST: endpointOf(east) }, "kubectl");
  });

  it("takes no secret with it from a key that holds more than a host name, and blocks", async () => {
    const cluster = bench.clusters[west];
    cluster?.editConfig("shop", "app-config", { DB_HOST: "postgres://app:Canary-7732@checkout-db/shop" }, "kubectl");
    const facts = await look();
    cluster?.editConfig("shop", "app-config", { DB_HOST: endpointOf(east) }, "kubectl");
    expect(blockers(facts)).toEqual([
      "DB_HOST in shop/app-config cannot be seen: it holds more than a host name, which Muster neither shows nor replaces",
    ]);
    expect(JSON.stringify(facts)).not.toContain("Canary");
  });

  it("says that Route 53's control plane is down, and answers in time", async () => {
    bench.route53.knobs.down = "silent";
    const startedAt = performance.now();
    const facts = await look();
    bench.route53.knobs.down = false;
    expect(blockers(facts)).toEqual([expect.stringMatching(/^Route 53's control plane cannot be used/)]);
    expect(performance.now() - startedAt).toBeLessThan(4 * ctx.callTimeoutMs);
  });

  it("does not take a password that is no longer right, or a database that is gone, for a dead server", async () => {
    const { guard } = ctx.clients.pg;
    const rotated = {
      ...ctx,
      clients: { ...ctx.clients, pg: { ...ctx.clients.pg, guard: { ...guard, password: "old" } } },
    };
    const facts = await lookAtFailover(rotated, input).then(withDatabase);
    expect(seenFrom(facts)).toEqual({ muster: "unknown", replica: "unknown" });
    expect(blockers(facts)).toEqual([
      expect.stringMatching(/^checkout-db-west answers, and does not let Muster look into it: .*password/),
      expect.stringMatching(
        /^checkout-db answers, .*password.*\. It lives, and could not be fenced\. Let Muster in; or/,
      ),
    ]);
    const elsewhere = { ...ctx, secret: () => "postgres://app:x@unused/nowhere?sslmode=disable" };
    expect(blockers(await lookAtFailover(elsewhere, input))).toContainEqual(
      expect.stringMatching(/^checkout-db answers, and does not let Muster look into it: .*"nowhere" does not exist/),
    );
  });

  it("says which right AWS did not give, where that can be seen before anybody approves", async () => {
    bench.rds.denied.add("DescribeDBInstances");
    bench.route53.denied.add("GetHostedZone");
    const sentences = blockers(await look());
    expect(sentences).toEqual([
      "the database checkout-db-west cannot be seen: AWS did not let Muster look at the instance checkout-db-west (rds:DescribeDBInstances: AccessDenied)",
      expect.stringMatching(/^the zone Z0LAB cannot be seen, .* \(route53:GetHostedZone: AccessDenied\)$/),
      expect.any(String),
    ]);
    bench.rds.denied.clear();
    bench.route53.denied.add("ListResourceRecordSets");
    expect(blockers(await look())).toEqual([
      "Route 53's control plane cannot be used (AWS did not let Muster read the zone Z0LAB (route53:ListResourceRecordSets: AccessDenied)), and the records cannot be moved without it",
    ]);
    bench.route53.denied.clear();
  });

  it("bears a refusal by looking again", async () => {
    bench.rds.knobs.next("DescribeDBInstances", "throttle", 3);
    expect(blockers(await look())).toEqual([]);
  });

  it("knows a dead region from both sides, its address by heart, and what would be lost", async () => {
    const { to } = await look();
    const arrived = seen(to.server)?.beatAt;
    await bench.setRegionDead(east, true);
    await until(async () => seenFrom(await look()).replica === "no");
    const facts = await look();
    expect(seenFrom(facts)).toEqual({ muster: "no", replica: "no" });
    expect(whyUnseen(facts.from.instance)).toBeDefined();
    expect(facts.from.known?.endpoint?.host).toBe(endpointOf(east));
    expect(seen(facts.lastBeat)?.at).toBe(arrived);
    expect(predictedLoss(facts)).toBe(5);
    expect(failover.preview(failover.plan(estate, input, facts), facts).mode).toBe("ungraceful");
    expect(blockers(facts)).toEqual([]);
  });

  it("looks again at what was approved without waiting for a region that was dead already", async () => {
    const before = await look();
    const plan = failover.plan(estate, input, before);
    const [from, startedAt] = [bench.log.all.length, performance.now()];
    const patient = { ...ctx, callTimeoutMs: 8000 };
    const again = await lookAtClaims(patient, input, before);
    // A connection that hangs, and nothing that waits for the end of a call.
    expect(performance.now() - startedAt).toBeLessThan(0.8 * patient.callTimeoutMs);
    expect(failover.broken(plan, again)).toEqual([]);
    expect(seenFrom(withDatabase(again))).toEqual({ muster: "no", replica: "no" });
    const asked = bench.log.all.slice(from);
    expect(asked.filter(({ resource, server }) => `${server} ${resource}`.includes(east))).toEqual([]);
    expect(again).toMatchObject({ pods: before.pods, rights: before.rights, edge: before.edge });
    expect(JSON.parse(JSON.stringify(again))).toEqual(again);
  });

  it("sees again what breaks a claim: a key, and an old side that is back", async () => {
    const before = await look();
    const plan = failover.plan(estate, input, before);
    bench.clusters[west]?.editConfig("shop", "app-config", { DB_HOST: "elsewhere" }, "kubectl");
    await bench.setRegionDead(east, false);
    const broken = failover.broken(plan, await lookAtClaims(ctx, input, before));
    expect(broken).toEqual([
      expect.stringMatching(/^no longer true: DB_HOST .*; it is "?elsewhere"? now$/),
      // Who is quicker to hear it differs.
      expect.stringMatching(
        /^no longer true: checkout-db can be reached by nobody; (Muster|the replica) reaches it now$/,
      ),
    ]);
    bench.clusters[west]?.editConfig("shop", "app-config", { DB_HOST: endpointOf(east) }, "kubectl");
    await bench.setRegionDead(east, true);
    await until(async () => seenFrom(await look()).replica === "no");
  });

  it("looks at everything again where the estate is another by now", async () => {
    const before = await look();
    const noData = { ...ctx, estate: estateWithFront() };
    const front = await lookAtClaims(noData, { toRegion: west, service: "front" }, { ...before, service: "front" });
    expect(front.to).toBeUndefined();
  });

  it("sees what customers see, and beats for nobody who cannot be heard", async () => {
    const before = seen((await look()).lastBeat)?.at;
    await probeServices(ctx);
    await beat();
    const { probes, lastBeat } = await look();
    expect(seen(probes)).toMatchObject({ ok: false, redSince: expect.any(String), greenAt: expect.any(String) });
    expect(seen(lastBeat)?.at).toBe(before);
  });

  it("beats again for the old side when it returns before anything was promoted", async () => {
    const before = seen((await look()).lastBeat)?.at ?? "";
    await bench.setRegionDead(east, false);
    await beat();
    expect(Date.parse(seen((await look()).lastBeat)?.at ?? "")).toBeGreaterThan(Date.parse(before));
  });
});
