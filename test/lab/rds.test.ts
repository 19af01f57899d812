import { setTimeout } from "node:timers/promises";
import { DescribeDBInstancesCommand, PromoteReadReplicaCommand, RDSClient } from "@aws-sdk/client-rds";
import { describe, expect, it } from "@jest/globals";
import { Clock } from "../../src/clock.ts";
import { claimAddresses } from "../../src/lab/address.ts";
import { promotionsOf } from "../../src/lab/postgres-log.ts";
import { ask, machineOf, openPair } from "../../src/lab/postgres-pair.ts";
import { openRds, type RdsMachine } from "../../src/lab/rds.ts";
import { RequestLog } from "../../src/lab/request-log.ts";

const west = { DBInstanceIdentifier: "checkout-db-west" };

describe("RDS in the lab, asked with the real SDK", () => {
  it("shows a writer and its replica in another region as RDS does", async () => {
    await using lab = await openTestRds();
    const writer = await lab.describe("us-east-1", "checkout-db");
    expect(writer).toMatchObject({
      DBInstanceStatus: "available",
      Engine: "postgres",
      MultiAZ: true,
      Endpoint: { Address: "checkout-db.us-east-1.rds.lab", Port: 5432 },
      ReadReplicaDBInstanceIdentifiers: ["arn:aws:rds:us-west-2:123456789012:db:checkout-db-west"],
      PendingModifiedValues: {},
    });
    expect(writer.ReadReplicaSourceDBInstanceIdentifier).toBeUndefined();
    expect(writer.StatusInfos ?? []).toEqual([]);
    expect(writer.LatestRestorableTime).toBeInstanceOf(Date);

    const replica = await lab.describe("us-west-2", "checkout-db-west");
    expect(replica).toMatchObject({
      ReadReplicaSourceDBInstanceIdentifier: "arn:aws:rds:us-east-1:123456789012:db:checkout-db",
      StatusInfos: [{ StatusType: "read replication", Normal: true, Status: "replicating" }],
      BackupRetentionPeriod: 7,
    });
    lab.machine.streaming = false;
    const { StatusInfos } = await lab.describe("us-west-2", "checkout-db-west");
    expect(StatusInfos).toMatchObject([{ Normal: false, Status: "error" }]);

    const { DBInstances } = await lab.in("us-west-2").send(new DescribeDBInstancesCommand());
    expect(DBInstances?.map((each) => each.DBInstanceIdentifier)).toEqual(["checkout-db-west"]);
  });

  it("promotes in its own time: available for a while yet, modifying, rebooting, backing-up, available", async () => {
    await using lab = await openTestRds();
    const answer = await lab.promote({ BackupRetentionPeriod: 14, PreferredBackupWindow: "04:00-04:30" });
    expect(answer.DBInstance?.DBInstanceStatus).toBe("available");
    expect(await lab.statusOf("checkout-db-west")).toBe("available");

    const seen = await lab.passUntilPromoted();
    expect(seen).toEqual(["available", "modifying", "rebooting", "backing-up", "available"]);
    expect(lab.machine.deeds).toEqual(["promote", "stop", "start"]);
    const promoted = await lab.describe("us-west-2", "checkout-db-west");
    expect(promoted).toMatchObject({ BackupRetentionPeriod: 14, PreferredBackupWindow: "04:00-04:30", MultiAZ: false });
    expect(promoted.ReadReplicaSourceDBInstanceIdentifier).toBeUndefined();
    expect(promoted.StatusInfos ?? []).toEqual([]);
    expect((await lab.describe("us-east-1", "checkout-db")).ReadReplicaDBInstanceIdentifiers ?? []).toEqual([]);

    const [request] = lab.log.of("rds", "PromoteReadReplica");
    expect(request?.effects).toEqual([{ target: "rds:us-west-2/checkout-db-west", wanted: "promoted" }]);
    expect(request?.delaySeconds).toBeGreaterThan(65);
    expect(lab.log.open).toBe(0);
  });

  it("refuses to promote twice, while busy, and what is no replica; none of it has an effect", async () => {
    await using lab = await openTestRds();
    lab.rds.setStatus("checkout-db-west", "backing-up", 60);
    await expect(lab.promote()).rejects.toMatchObject(refusal("InvalidDBInstanceState", 400, /it is backing-up/));
    await lab.jump();
    await lab.promote();
    // Before the status shows it.
    await expect(lab.promote()).rejects.toMatchObject(refusal("InvalidDBInstanceState", 400, /it is modifying/));
    await lab.passUntilPromoted();
    await expect(lab.promote()).rejects.toMatchObject(refusal("InvalidDBInstanceState", 400, /not a read replica/));
    const effects = lab.log.of("rds", "PromoteReadReplica").map((request) => request.effects.length);
    expect(effects).toEqual([0, 1, 0, 0]);
  });

  it("answers errors in the shapes of RDS", async () => {
    await using lab = await openTestRds();
    const notFound = refusal("DBInstanceNotFound", 404, /checkout-db not found/);
    await expect(lab.describe("us-west-2", "checkout-db")).rejects.toMatchObject(notFound);
    const invalid = refusal("InvalidParameterValue", 400, /retention period: 36/);
    await expect(lab.promote({ BackupRetentionPeriod: 36 })).rejects.toMatchObject(invalid);
    lab.rds.denied.add("PromoteReadReplica");
    const denied = refusal("AccessDenied", 403, /not authorized to perform: rds:PromoteReadReplica/);
    await expect(lab.promote()).rejects.toMatchObject(denied);
    lab.rds.denied.clear();

    lab.rds.knobs.next("*", "throttle");
    await expect(lab.promote()).rejects.toMatchObject(refusal("Throttling", 400, /Rate exceeded/));
    lab.rds.knobs.next("PromoteReadReplica", "fail-before");
    await expect(lab.promote()).rejects.toMatchObject(refusal("InternalFailure", 500, /failed/));
    expect(lab.rds.get("checkout-db-west").promoting).toBe(false);
    lab.rds.knobs.next("PromoteReadReplica", "fail-after");
    await expect(lab.promote()).rejects.toMatchObject(refusal("InternalFailure", 500, /failed/));
    expect(lab.rds.get("checkout-db-west").promoting).toBe(true);
  });

  it("stays in a status it is stuck in until it is freed", async () => {
    await using lab = await openTestRds();
    lab.rds.stuckIn("modifying");
    await lab.promote();
    await lab.jump();
    await lab.jump(1800);
    expect(await lab.statusOf("checkout-db-west")).toBe("modifying");
    expect(lab.machine.deeds).toEqual([]);
    lab.rds.unstick();
    expect(await lab.passUntilPromoted()).toEqual(["modifying", "rebooting", "backing-up", "available"]);
  });

  it("says failed when the server cannot be promoted", async () => {
    await using lab = await openTestRds();
    lab.machine.broken = true;
    await lab.promote();
    while ((await lab.statusOf("checkout-db-west")) !== "failed") await lab.jump();
    expect(lab.log.of("rds", "PromoteReadReplica")[0]?.effects).toEqual([]);
  });

  it("shows what was true before, when reads lag", async () => {
    await using lab = await openTestRds();
    lab.rds.knobs.readLagSeconds = 30;
    lab.rds.setStatus("checkout-db", "storage-full");
    expect(await lab.statusOf("checkout-db")).toBe("available");
    await lab.jump(31);
    expect(await lab.statusOf("checkout-db")).toBe("storage-full");
  });

  it("loses one region's control plane and keeps the other's", async () => {
    await using lab = await openTestRds();
    lab.rds.setRegion("us-east-1", "refuses");
    await expect(lab.statusOf("checkout-db")).rejects.toThrow(/socket hang up|ECONNRESET/);
    lab.rds.setRegion("us-east-1", "silent");
    const abortSignal = AbortSignal.timeout(200);
    const asked = lab.in("us-east-1").send(new DescribeDBInstancesCommand(), { abortSignal });
    await expect(asked).rejects.toThrow(/abort/i);
    expect(lab.log.open).toBe(0);
    expect(await lab.statusOf("checkout-db-west")).toBe("available");
    lab.rds.setRegion("us-east-1", false);
    expect(await lab.statusOf("checkout-db")).toBe("available");
  });

  it("makes a writer of the real server behind the instance", async () => {
    const addresses = await claimAddresses();
    const pair = await openPair({ addresses, regions: ["us-east-1", "us-west-2"] });
    const address = addresses.host(5);
    await using lab = await openTestRds({ address, writer: machineOf(pair.primary), replica: machineOf(pair.replica) });
    const inRecovery = () => ask(pair.replica.server, "select pg_is_in_recovery() as standby");
    const { StatusInfos } = await lab.describe("us-west-2", "checkout-db-west");
    expect(StatusInfos).toMatchObject([{ Normal: true, Status: "replicating" }]);
    expect(await inRecovery()).toEqual([{ standby: true }]);
    await lab.promote();
    expect(await inRecovery()).toEqual([{ standby: true }]);
    await lab.passUntilPromoted();
    expect(await inRecovery()).toEqual([{ standby: false }]);
    expect(await promotionsOf(pair.replica.server)).toEqual([expect.any(Date)]);
    await ask(pair.replica.server, "insert into orders (number, customer, total_cents) values (1, 'ada', 100)");
    await pair.close();
    await addresses.release();
  });
});

/** A server that only notes what is done to it. */
class NotedMachine implements RdsMachine {
  readonly deeds: string[] = [];
  streaming = true;
  broken = false;

  promote = async () => {
    if (this.broken) throw new Error("no space left on device");
    this.deeds.push("promote");
  };
  stop = async () => void this.deeds.push("stop");
  start = async () => void this.deeds.push("start");
  streams = async () => this.streaming;
}

async function openTestRds(given: { address?: string; writer?: RdsMachine; replica?: RdsMachine } = {}) {
  // It all but stands between two jumps: however long a call takes on the wall, nothing is due meanwhile.
  const rate = 0.01;
  const clock = new Clock({ shows: new Date(), rate });
  const log = new RequestLog(clock);
  const machine = new NotedMachine();
  const source = { id: "checkout-db", region: "us-east-1" };
  const replica = { id: "checkout-db-west", region: "us-west-2" };
  const rds = await openRds({
    log,
    clock,
    address: given.address ?? "127.0.0.1",
    instances: [
      { ...source, host: "checkout-db.us-east-1.rds.lab", machine: given.writer ?? new NotedMachine() },
      { ...replica, host: "checkout-db-west.us-west-2.rds.lab", machine: given.replica ?? machine, source },
    ],
  });
  const clients = new Map<string, RDSClient>();
  const inRegion = (region: string) => {
    const credentials = { accessKeyId: "lab", secretAccessKey: "lab" };
    const client = clients.get(region) ?? new RDSClient({ region, endpoint: rds.url, credentials, maxAttempts: 1 });
    clients.set(region, client);
    return client;
  };
  const describeOne = async (region: string, DBInstanceIdentifier: string) => {
    const { DBInstances } = await inRegion(region).send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
    if (DBInstances?.length !== 1 || !DBInstances[0]) throw new Error(`not one instance: ${DBInstances?.length}`);
    return DBInstances[0];
  };
  const statusOf = async (id: string) =>
    (await describeOne(id.endsWith("west") ? "us-west-2" : "us-east-1", id)).DBInstanceStatus;
  /** Moves the clock, by default to what is due next, and lets what woke up do its work. */
  const jump = async (seconds?: number) => {
    const to = seconds === undefined ? clock.nextDue() : new Date(clock.now().getTime() + seconds * 1000);
    if (to) clock.set({ shows: to, rate });
    do await setTimeout(10);
    while (log.open > 0);
  };
  return {
    rds,
    log,
    machine,
    in: inRegion,
    describe: describeOne,
    statusOf,
    jump,
    promote: (more: { BackupRetentionPeriod?: number; PreferredBackupWindow?: string } = {}) =>
      inRegion("us-west-2").send(new PromoteReadReplicaCommand({ ...west, ...more })),
    /** Jumps from one due time to the next; returns the statuses that reads showed on the way. */
    passUntilPromoted: async () => {
      const seen = [await statusOf("checkout-db-west")];
      while (rds.get("checkout-db-west").promoting) {
        await jump();
        const status = await statusOf("checkout-db-west");
        if (status !== seen.at(-1)) seen.push(status);
      }
      return seen;
    },
    [Symbol.asyncDispose]: async () => {
      for (const client of clients.values()) client.destroy();
      await rds.close();
    },
  };
}

/** What the SDK throws for an answer of RDS that refuses. */
function refusal(code: string, status: number, message: RegExp): object {
  return {
    Code: code,
    message: expect.stringMatching(message),
    $metadata: expect.objectContaining({ httpStatusCode: status }),
  };
}
