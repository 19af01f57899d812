import { describe, expect, it } from "@jest/globals";
import type { GlobalCluster } from "../../src/adapters/rds-global.ts";
import type { FactsWithDatabase } from "../../src/facts/failover.ts";
import { sidesOf } from "../../src/facts/databases/index.ts";
import { judgePrimary } from "../../src/doctor/aurora.ts";
import { alreadyThere, promotedAlready } from "../../src/facts/moves.ts";
import { clusterHostOf, clustersOf, east, globalOf, readHostOf, west } from "../../src/lab/estate.ts";
import { checkout } from "../../src/lab/services.ts";
import { failover } from "../../jobs/failover.ts";
import { report } from "../../jobs/report/failover.ts";
import type { JournalEvent } from "../../src/engine/events.ts";
import { at, eastDead, estateWith, healthy, saw, sawNothing } from "./facts.ts";

const estate = estateWith({ services: [{ ...checkout, driver: "aurora-postgres" }] });
const ids = clustersOf("checkout");
const arn = (region: typeof east | typeof west) => `arn:aws:rds:${region}:123456789012:cluster:${ids[region]}`;

const globalWith = (primary: string, wishes: Partial<GlobalCluster> = {}): GlobalCluster => ({
  id: globalOf("checkout"),
  status: "available",
  members: [east, west].map((region) => ({
    arn: arn(region as typeof east),
    isWriter: region === primary,
    synchronization: "connected",
  })),
  ...wishes,
});
/** A third cluster, which the estate does not name, is the primary. */
const third = "arn:aws:rds:eu-west-1:123456789012:cluster:checkout-eu";
const abroad = globalWith("eu-west-1");
abroad.members.push({ arn: third, isWriter: true });
const cluster = (region: typeof east | typeof west, global: GlobalCluster, status = "available") => ({
  id: ids[region],
  arn: arn(region),
  region,
  status,
  endpoint: { host: clusterHostOf(region), port: 5432 },
  readEndpoint: { host: readHostOf(region), port: 5432 },
  backupRetentionDays: 7,
  aurora: { global, isWriter: global.members.some((member) => member.arn === arn(region) && member.isWriter) },
});

/** The same worlds, in which the databases are Aurora's. */
const inAurora = (facts: FactsWithDatabase, global = globalWith(east), status?: string): FactsWithDatabase => {
  const old = cluster(east, global);
  return {
    ...facts,
    databaseDriver: "aurora-postgres",
    to: { ...facts.to, instance: saw(cluster(west, global, status)) },
    from: { ...facts.from, instance: "seen" in facts.from.instance ? saw(old) : facts.from.instance, known: old },
  };
};
const input = { toRegion: west, service: "checkout" };
const planOf = (facts: FactsWithDatabase, force?: "ungraceful") =>
  failover.plan(estate, { ...input, ...(force ? { force } : {}) }, facts);
const inputOf = (facts: FactsWithDatabase, step: string, force?: "ungraceful") =>
  planOf(facts, force).nodes.find((node) => node.step === step)?.input as Record<string, unknown>;
const rowOf = (facts: FactsWithDatabase, wanted: string) =>
  failover.preview(planOf(facts), facts).rows.find(({ label }) => label === wanted)?.value;

describe("the plan of a service in a global cluster of Aurora", () => {
  it("switches over where the old side lives, asked in its region", () => {
    const { blockers } = planOf(inAurora(healthy));
    expect(blockers).toEqual([]);
    expect(inputOf(inAurora(healthy), "switch-global-cluster")).toMatchObject({
      service: "checkout",
      global: "checkout-global",
      targetArn: arn(west),
      change: "switchover",
      askedIn: east,
      replica: { instance: ids[west], host: clusterHostOf(west), aurora: true },
      reader: { host: readHostOf(west), port: 5432 },
    });
    expect(rowOf(inAurora(healthy), "Rights not proven")).toMatch(/^rds:SwitchoverGlobalCluster and /);
  });

  it("fails over where it does not, or where a person says so, asked in the region that is entered", () => {
    for (const change of [
      inputOf(inAurora(eastDead), "switch-global-cluster"),
      inputOf(inAurora(healthy), "switch-global-cluster", "ungraceful"),
    ])
      expect(change).toMatchObject({ change: "failover", askedIn: west });
    expect(rowOf(inAurora(eastDead), "Promotion")).toMatch(
      /^calls rds:FailoverGlobalCluster for checkout-west, with AllowDataLoss; depends on RDS's control plane in us-west-2$/,
    );
    expect(rowOf(inAurora(eastDead), "Rights not proven")).toMatch(/^rds:FailoverGlobalCluster and /);
  });

  it("asks the secondary at its reader endpoint, and sends pods and writes to the other", () => {
    const facts = inAurora(healthy);
    expect(inputOf(facts, "catch-up")["to"]).toMatchObject({ host: readHostOf(west) });
    expect(inputOf(facts, "fence-writes")["to"]).toMatchObject({ host: readHostOf(west) });
    expect(inputOf(facts, "fence-writes")["from"]).toMatchObject({ host: clusterHostOf(east) });
    expect(inputOf(facts, "open-writes")["to"]).toMatchObject({ host: clusterHostOf(west) });
    expect(inputOf(facts, "point-config")["host"]).toBe(clusterHostOf(west));
  });

  const moving = globalWith(east, { status: "switching-over", moving: { status: "switching-over", toArn: arn(west) } });
  it.each([
    ["a change of roles under way", inAurora(healthy, moving), /checkout-global is "switching-over": its roles are/],
    [
      "a global cluster that is not available",
      inAurora(healthy, globalWith(east, { status: "upgrading" })),
      /"upgrading"; RDS does not/,
    ],
    [
      "a secondary that is not available",
      inAurora(healthy, globalWith(east), "stopped"),
      /checkout-west is "stopped"; RDS/,
    ],
    [
      "a primary that Muster did not make",
      inAurora(healthy, globalWith(west)),
      /is the primary of checkout-global already/,
    ],
    [
      "a primary that is neither of the two",
      inAurora(healthy, abroad),
      /^the primary of checkout-global is arn:aws:rds:eu-west-1:123456789012:cluster:checkout-eu, not checkout-east: /,
    ],
    [
      "a secondary that cannot be seen",
      { ...inAurora(healthy), to: { ...healthy.to, instance: sawNothing("RDS in us-west-2 does not answer") } },
      /^the database checkout-west cannot be seen: RDS in us-west-2 does not answer$/,
    ],
  ])("is blocked by %s", (_what, facts, sentence) => {
    expect(planOf(facts).blockers).toContainEqual(expect.stringMatching(sentence));
  });

  it("warns of what lacks the tag that the policy asks for", () => {
    const warned = (tagged: boolean) =>
      planOf(inAurora(healthy, { ...globalWith(east), tagged })).warnings.filter((line) => line.includes("dr-managed"));
    expect(warned(true)).toEqual([]);
    expect(warned(false)).toEqual([
      expect.stringMatching(
        /^No tag dr-managed=true is on the global cluster checkout-global: with deploy\/iam\/aurora/,
      ),
    ]);
  });

  it("is broken to muster doctor, too, where the primary is neither of the two", () => {
    const { databases } = estate.services["checkout"]!;
    const sides = sidesOf(databases[0]!);
    const judge = (global: GlobalCluster) => judgePrimary({ service: "checkout", sides }, global);
    expect([globalWith(east), globalWith(west)].flatMap(judge)).toEqual([]);
    expect(judge(abroad)).toMatchObject([
      {
        state: "broken",
        happened: `The primary of checkout-global is ${third}, and neither of ${ids[east]} and ${ids[west]}.`,
      },
    ]);
  });

  it("warns of a secondary that is out of step", () => {
    const global = globalWith(east);
    for (const member of global.members) member.synchronization = "pending-resync";
    expect(planOf(inAurora(healthy, global)).warnings).toContainEqual(
      expect.stringMatching(/out of step with its primary/),
    );
  });

  it.each([
    [
      "has its replica again with the promotion after a switchover",
      inAurora(healthy),
      at,
      /follows checkout-west from now/,
    ],
    ["has none after a failover, and is not looked at", inAurora(eastDead), null, /^UNPROTECTED since /],
  ])("%s", (_what, facts, redundant, said) => {
    const plan = planOf(facts);
    const step = "checkout/switch-global-cluster";
    const done: JournalEvent = { kind: "done", step, result: {}, seq: 1, epoch: 1, at: new Date(at) };
    const made = report({ run: { id: "fo-1", plan }, events: [done], probes: [], facts });
    expect(made.moments.redundant).toBe(redundant);
    expect(made.now).toContainEqual(expect.stringMatching(said));
  });

  it("stands on the secondary's being one, and knows when Muster has moved it", () => {
    const { claims } = planOf(inAurora(healthy));
    expect(claims.find(({ id }) => id === "replica")).toMatchObject({
      sentence: "checkout-west is a replica",
      value: { isSecondary: true },
    });
    const moved = inAurora(healthy, globalWith(west));
    expect(failover.broken(planOf(inAurora(healthy)), inAurora(healthy))).toEqual([]);
    expect(failover.broken(planOf(inAurora(healthy)), moved)).toContain(
      "no longer true: checkout-west is a replica; it is the primary now",
    );
    const done = {
      ...moved,
      promotion: saw({ last: { region: west, run: "fo-1", at } }),
      to: { ...moved.to, server: saw({ takesWrites: true, hearsWriter: false }) },
    };
    expect([promotedAlready(done), promotedAlready(inAurora(healthy)), alreadyThere(done)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
