import { describe, expect, it } from "@jest/globals";
import type { StandbyState } from "../../src/adapters/postgres-standby.ts";
import type { FactsWithDatabase } from "../../src/facts/failover.ts";
import type { ServerFacts } from "../../src/facts/lag.ts";
import { alreadyThere, promotedAlready } from "../../src/facts/moves.ts";
import { east, hostOf, west } from "../../src/lab/estate.ts";
import { checkout } from "../../src/lab/services.ts";
import { failover } from "../../jobs/failover.ts";
import { otherTargets } from "../../jobs/propose/other-targets.ts";
import { at, eastDead, estateWith, healthy, saw, sawNothing, silent } from "./facts.ts";

const estate = estateWith({ services: [{ ...checkout, driver: "postgres" }] });
const [writer, standby] = [hostOf(east), hostOf(west)];
const place = (host: string, region: string) => ({ id: host, region, endpoint: { host, port: 5432 } });
const asked: StandbyState = { role: "muster", systemId: "71", mayPromote: true, replayPaused: false, waitsFor: "" };

/** The same worlds, in which no RDS knows the servers. */
const selfManaged = (facts: FactsWithDatabase, to: Partial<StandbyState> = {}): FactsWithDatabase => {
  const withAsked = (fact: FactsWithDatabase["to"]["server"], own: StandbyState) =>
    "seen" in fact ? saw({ ...fact.seen, standby: own }) : fact;
  return {
    ...facts,
    databaseDriver: "postgres",
    to: { instance: saw(place(standby, west)), server: withAsked(facts.to.server, { ...asked, ...to }) },
    from: {
      instance: saw(place(writer, east)),
      known: place(writer, east),
      server: withAsked(facts.from.server, asked),
    },
  };
};
const alive = selfManaged(healthy);
const dead = selfManaged(eastDead);
const withServer = (facts: FactsWithDatabase, server: FactsWithDatabase["to"]["server"]): FactsWithDatabase => ({
  ...facts,
  to: { ...facts.to, server },
});
const takesWrites: ServerFacts = { takesWrites: true, hearsWriter: false, standby: asked };
const planOf = (facts: FactsWithDatabase) => failover.plan(estate, { toRegion: west, service: "checkout" }, facts);
const rowOf = (facts: FactsWithDatabase, wanted: string) =>
  failover.preview(planOf(facts), facts).rows.find(({ label }) => label === wanted);

describe("the plan of a service whose servers no RDS knows", () => {
  it("promotes by a step of its own, which is shown what the fence and the catch-up saw", () => {
    const node = planOf(alive).nodes.find(({ step }) => step === "promote-standby");
    expect(node).toMatchObject({
      title: `make ${standby} in us-west-2 the writer of checkout`,
      input: { service: "checkout", replica: { instance: standby, region: west, host: standby, port: 5432 } },
      reads: ["checkout/fence-writes", "checkout/catch-up"],
      after: ["checkout/accept-loss", "checkout/fence-writes", "checkout/catch-up"],
      oneWay: expect.stringContaining("cannot follow its old writer again"),
    });
    expect(planOf(alive).nodes.map(({ step }) => step)).not.toContain("promote-replica");
    expect(planOf(alive).nodes.find(({ step }) => step === "open-writes")?.after).toEqual(["checkout/promote-standby"]);
  });

  it("is about the servers that the estate names, each by its port too", () => {
    const other = structuredClone(estate);
    const database = other.services["checkout"]?.databases[0];
    if (database?.driver !== "postgres") throw new Error("the estate has another checkout");
    expect(otherTargets(other, planOf(alive))).toEqual([]);
    database.writer.port = 6432;
    expect(otherTargets(other, planOf(alive))).toEqual([
      `the plan of checkout is about ${writer} in us-east-1, and the estate names ${writer}:6432 in us-east-1 now`,
    ]);
  });

  it("shows the call and what it leans on, and names no right of AWS for it", () => {
    expect(rowOf(alive, "Promotion")?.value).toBe(
      `calls pg_promote() on ${standby}; depends on nothing but that server`,
    );
    expect(rowOf(alive, "Rights not proven")?.value).toMatch(/^route53:ChangeResourceRecordSets:/);
    expect(rowOf(alive, "Replica")).toEqual({
      label: "Replica",
      value: `${standby}: in recovery, hears its writer, replays`,
      tone: "good",
    });
    expect(rowOf(dead, "Replica")?.value).toBe(`${standby}: in recovery, hears nothing of its writer, replays`);
    expect(planOf(dead).blockers).toEqual([]);
    expect(planOf(alive).blockers).toEqual([]);
  });

  const promoted = { ...alive, promotion: saw({ last: { region: west, run: "fo-1", at } }) };
  it.each([
    [
      "a standby that Muster may not promote",
      selfManaged(eastDead, { mayPromote: false }),
      /^Muster's role may not call pg_promote\(\) at checkout-db-west.* "grant execute on function pg_promote\(boolean, integer\) to muster"/,
    ],
    ["a copy of another server", selfManaged(healthy, { systemId: "72" }), /their system identifiers differ$/],
    [
      "a standby that writes",
      withServer(alive, saw(takesWrites)),
      /takes writes of its own, and Muster did not promote/,
    ],
    [
      "a standby that is silent",
      withServer(dead, silent(`${standby} does not answer`)),
      /^the database checkout-db-west.* cannot be seen: .* does not answer$/,
    ],
    [
      "a standby that lets nobody look",
      withServer(alive, sawNothing("the password is wrong")),
      /answers, and does not let Muster look into it: the password is wrong$/,
    ],
  ])("is blocked by %s", (_what, facts, sentence) => {
    expect(planOf(facts).blockers).toContainEqual(expect.stringMatching(sentence));
    expect(planOf(facts).nodes).toEqual([]);
  });

  it("blocks a silent standby also where a person forces the move: nothing else could promote it", () => {
    const facts = withServer(dead, silent("x does not answer"));
    const input = { toRegion: west, service: "checkout", force: "ungraceful" } as const;
    expect(failover.plan(estate, input, facts).blockers).toEqual([expect.stringMatching(/cannot be seen/)]);
  });

  it("goes on where Muster has promoted already, and only there", () => {
    const again = withServer(promoted, saw(takesWrites));
    expect(planOf(again).blockers).toEqual([]);
    expect([promotedAlready(again), promotedAlready(alive)]).toEqual([true, false]);
    // A server that is not seen has no control plane that could tell.
    expect(promotedAlready(withServer(promoted, silent("x does not answer")))).toBe(false);
    expect(alreadyThere(again)).toBe(false);
    const records = saw({
      "us-east-1": { weight: 0, ttl: 60, values: ["127.0.0.11"] },
      "us-west-2": { weight: 100, ttl: 60, values: ["127.0.0.21"] },
    });
    expect(alreadyThere({ ...again, dns: { ...again.dns, records } })).toBe(true);
  });

  it.each([
    ["a replay that is held back", { replayPaused: true }, /^The replay of checkout-db-west.* is paused/],
    ["commits that would wait", { waitsFor: "FIRST 1 (s1)" }, /synchronous_standby_names = 'FIRST 1 \(s1\)': once it/],
  ])("warns of %s", (_what, own, sentence) => {
    expect(planOf(selfManaged(healthy, own)).warnings).toContainEqual(expect.stringMatching(sentence));
  });

  it.each(["postgres", "rds-postgres"] as const)("foretells what a delay on purpose costs, with %s", (driver) => {
    const of = (facts: FactsWithDatabase, seconds: number, force?: "ungraceful") => {
      const { server } = facts.to;
      if (!("seen" in server)) throw new Error("it is seen");
      const world = withServer(facts, saw({ ...server.seen, applyDelaySeconds: seconds }));
      const { blockers, warnings } = failover.plan(
        estateWith({ services: [{ ...checkout, driver }] }),
        { toRegion: west, service: "checkout", ...(force ? { force } : {}) },
        driver === "postgres" ? selfManaged(world) : world,
      );
      return {
        blockers: blockers.join(),
        warnings: warnings.filter((warning) => warning.includes("min_apply")).join(),
      };
    };
    expect(of(healthy, 300)).toEqual({
      blockers: "",
      warnings: expect.stringMatching(
        /^checkout-db-west.* applies what it receives 5 minutes late, on purpose \(recovery_min_apply_delay\): in this move nobody can write for that long at least\./,
      ),
    });
    expect(of(healthy, 3600)).toEqual({
      blockers: expect.stringMatching(
        / 60 minutes late, .*, and a graceful move waits 15 minutes for that at most, .*; set that to 0/,
      ),
      warnings: "",
    });
    expect(of(eastDead, 3600)).toEqual({
      blockers: "",
      warnings: expect.stringMatching(/What arrived there is applied once it is promoted, and how much .* before\.$/),
    });
    // Its fence is reached there, and then nobody can write until people have said yes.
    expect(of(healthy, 3600, "ungraceful")).toEqual({
      blockers: "",
      warnings: expect.stringMatching(
        / before\. Writes are stopped for 2 minutes, and then people are asked to promote it\.$/,
      ),
    });
    expect(of(healthy, 30, "ungraceful").warnings).not.toMatch(/people are asked/);
  });

  it("stands on the standby's being one, by its own word", () => {
    const { claims } = planOf(alive);
    expect(claims.find(({ id }) => id === "replica")).toEqual({
      id: "replica",
      sentence: `${standby} is a replica`,
      value: { inRecovery: true },
    });
    const broken = (now: FactsWithDatabase) => failover.broken(planOf(alive), now);
    expect(broken(alive)).toEqual([]);
    expect(broken(withServer(alive, saw(takesWrites)))).toContain(
      `no longer true: ${standby} is a replica; it takes writes now`,
    );
    // The estate was changed between the approval and the start: what was approved is not what is looked at.
    expect(failover.broken(planOf(alive), healthy)).toContainEqual(expect.stringMatching(/is a replica; it is/));
    expect(
      failover.broken(failover.plan(estateWith(), { toRegion: west, service: "checkout" }, healthy), alive),
    ).toEqual([expect.stringMatching(/is a replica; it is/)]);
  });
});
