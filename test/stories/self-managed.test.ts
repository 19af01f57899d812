import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { loadReport } from "../../jobs/report/load.ts";
import { east, hostOf, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { promotionsOf } from "../../src/lab/postgres-log.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { checkout } from "../../src/lab/services.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const [writer, standby] = [hostOf(east), hostOf(west)];
const grant = "grant execute on function pg_promote(boolean, integer)";

/** Two services whose servers no RDS knows, in one lab: one is moved while all is well, the other when its region is dead. */
describe("databases that their own administrators manage", () => {
  let lab: Lab;
  const pairOf = (service: string) => {
    const pair = lab.services.find(({ name }) => name === service)?.pair;
    if (!pair) throw new Error(`${service} has no database`);
    return pair;
  };
  const mayPromote = async (sentence: string) => {
    await ask(pairOf("checkout").primary.server, sentence);
    const wanted = sentence.startsWith("grant");
    const reads = "select has_function_privilege('muster', 'pg_promote(boolean, integer)', 'execute') as may";
    const arrived = async () => (await ask<{ may: boolean }>(lab.pair.replica.server, reads))[0]?.may === wanted;
    await lab.time.until("the replica has it", arrived, 60);
  };

  beforeAll(async () => {
    lab = await openLab({
      services: [
        { ...checkout, driver: "postgres" },
        { name: "ledger", tier: "critical", database: true, driver: "postgres" },
      ],
      strideSeconds: 5,
      replicas: 2,
      estate: { stabilitySeconds: 20 },
    });
    // Whoever types has patience; the server has less, which shall not wait long for a region that is dead.
    lab.environment["CALL_TIMEOUT_MILLISECONDS"] = "5000";
    await lab.time.pass(20);
  });
  afterAll(() => lab.close());

  it("are looked at by muster doctor, without RDS", async () => {
    const { text } = await lab.types("nobody", ["doctor"]);
    expect(text).toContain(`the database ${standby} in us-west-2: follows its writer, has the schema muster_guard`);
    expect(text).toContain(
      `the database pair of checkout: ${standby} in us-west-2 stands by, and lets Muster promote it\n`,
    );
    expect(text).not.toMatch(/instance|^(?:will not work|warning)/m);
  });

  it("cannot be moved while Muster may not promote the standby: doctor and the card say what to grant", async () => {
    await mayPromote(`${grant.replace("grant", "revoke")} from muster`);
    const { status, text } = await lab.types("nobody", ["doctor"]);
    expect(status).toBe(1);
    expect(text).toContain(`muster may not call pg_promote() at ${standby} in us-west-2.`);
    await lab.says("ana", "/failover us-west-2 checkout");
    const blocked = await lab.card();
    expect(blocked.buttons).toEqual(["Look again"]);
    expect(blocked.text).toContain(`Muster's role may not call pg_promote() at ${standby}.`);
    expect(blocked.text).toContain(`"${grant} to muster"`);
    await mayPromote(`${grant} to muster`);
    await lab.presses("ana", "Look again");
    const { text: card, buttons } = await lab.card();
    expect(buttons).toEqual(["Approve", "Decline"]);
    expect(card).toContain(`${standby}: in recovery, hears its writer, replays`);
    expect(card).toContain(`calls pg_promote() on ${standby}; depends on nothing but that server`);
    expect(card).not.toContain("PromoteReadReplica");
  });

  it("are moved gracefully: fenced, caught up, promoted by the standby itself, and nobody asks RDS anything", async () => {
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    const runId = await lab.newestRun();
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.asItIs()).toEqual({
      DB_HOST: standby,
      pods: { east: 0, west: 2 },
      appMayLogIn: true,
      writers: [west],
      shares: { [east]: 0, [west]: 100 },
    });
    expect(await promotionsOf(lab.pair.replica.server)).toHaveLength(1);
    expect(lab.log.all.filter(({ server }) => server === "rds")).toEqual([]);
    expect(await lab.thread(runId)).toContainEqual(
      expect.stringMatching(`^Done: make ${standby} in us-west-2 the writer of checkout`),
    );
    const { now, moments } = await loadReport(lab.ctx(), runId);
    expect(moments.writable).not.toBeNull();
    expect(now).toContainEqual(
      expect.stringMatching(new RegExp(`^UNPROTECTED since .*Z: ${standby} has no replica\\.`)),
    );
    expect(now).toContain(`${writer} is fenced.`);
  });

  it("are not moved back to a writer that follows nobody", async () => {
    await lab.says("ana", "/failover us-east-1 checkout");
    const { text, buttons } = await lab.card();
    expect(buttons).toEqual(["Look again"]);
    expect(text).toContain(
      `${writer} takes writes of its own, and Muster did not promote it: it is not a replica of ${standby}`,
    );
    const { text: doctor } = await lab.types("nobody", ["doctor"]);
    expect(doctor).toContain(`Both of ${writer} in us-east-1 and ${standby} in us-west-2 take writes.`);
  });

  it("are moved out of a dead region, and the old writer is fenced when it comes back", async () => {
    await lab.setRegionDead(east, true);
    await lab.time.pass(60);
    await lab.asks("/failover us-west-2 ledger");
    const { text } = await lab.card();
    expect(text).toContain(`calls pg_promote() on ${hostOf(west, "ledger")}`);
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    const parent = await lab.newestRun();
    expect(await lab.untilRests()).toBe("done");
    expect(await promotionsOf(pairOf("ledger").replica.server)).toHaveLength(1);
    await lab.setRegionDead(east, false);
    const refenced = async () => (await lab.newestRun()).startsWith("rf-");
    await lab.time.until("somebody fences it", refenced, 600);
    const refence = await lab.newestRun();
    await lab.time.until("it is fenced", async () => (await lab.stateOf(refence)) === "done", 600);
    const [, ledger] = await lab.everyService();
    expect(ledger?.writers).toEqual([west]);
    const { now, moments } = await loadReport(lab.ctx(), parent);
    expect(moments.writable).not.toBeNull();
    expect(now.join("\n")).toContain(`${hostOf(east, "ledger")} came back, and was fenced by run ${refence} at `);
    expect(lab.log.all.filter(({ server }) => server === "rds")).toEqual([]);
  });
});
