import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { loadReport } from "../../jobs/report/load.ts";
import { clusterHostOf, clustersOf, east, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { streams } from "../../src/lab/postgres-pair.ts";
import { checkout } from "../../src/lab/services.ts";
import { awsCalls, shippedPolicy } from "../install/lab-calls.ts";
import { actionsOf, isAllowed } from "../plumbing/iam.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const [primary, secondary] = [clustersOf("checkout")[east], clustersOf("checkout")[west]];
const vault = clustersOf("vault");
const changesOfRoles = (lab: Lab) =>
  lab.log.all
    .filter(({ server, action }) => server === "rds" && /^(?:Switchover|Failover)/.test(action))
    .map(({ action, resource }) => `${action} in ${resource}`);

/** Two services in one lab: one is moved and moved back while all is well, the other when its region is dead. */
describe("databases in global clusters of Aurora", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await openLab({
      services: [
        { ...checkout, driver: "aurora-postgres" },
        { name: "vault", tier: "critical", database: true, driver: "aurora-postgres" },
      ],
      strideSeconds: 5,
      replicas: 2,
      estate: { stabilitySeconds: 20 },
      editEstate: (yaml) => `coolDownMinutes: 0\n${yaml}`,
    });
    // Whoever types has patience; the server has less, which shall not wait long for a region that is dead.
    lab.environment["CALL_TIMEOUT_MILLISECONDS"] = "5000";
    await lab.time.pass(20);
    // RDS tells this one in two places, as some have seen it do.
    lab.rds.hiddenWriters.set(vault[west], "in the cluster");
  });
  afterAll(() => lab.close());
  const vaultsPair = () => lab.services.find(({ name }) => name === "vault")!.pair!;
  const leftUnfenced = () => lab.query("select from muster.unfenced where fenced_at is null");

  it("are looked at by muster doctor", async () => {
    const { text } = await lab.types("nobody", ["doctor"]);
    expect(text).toContain(
      `the cluster ${secondary} in us-west-2: a secondary of checkout-global, connected, available`,
    );
    expect(text).toContain(`the database ${secondary} in us-west-2: follows its writer, has the schema muster_guard`);
    expect(text).not.toMatch(/^(?:will not work|warning)/m);
  });

  it("are said by muster doctor to be unknown where RDS tells the writer endpoint nowhere", async () => {
    lab.rds.hiddenWriters.set(vault[west], "everywhere");
    const { text } = await lab.types("nobody", ["doctor"]);
    lab.rds.hiddenWriters.set(vault[west], "in the cluster");
    expect(text).toContain(`RDS in us-west-2 tells no writer endpoint of ${vault[west]}, neither with the cluster nor`);
    expect(text).toContain("vault can be moved neither there nor from there");
  });

  it("are said by muster doctor to lack the tag that the policy asks for", async () => {
    for (const id of [secondary, "vault-global"]) lab.rds.untagged.add(id);
    const { text } = await lab.types("nobody", ["doctor"]);
    lab.rds.untagged.clear();
    expect(text.match(/(?<=No tag dr-managed=true is on ).+(?=\.$)/gm)).toEqual([
      `the cluster ${secondary}`,
      "the global cluster vault-global",
      "the global cluster vault-global",
    ]);
  });

  it("are switched over gracefully, with the call and what it depends on shown", async () => {
    await lab.asks("/failover us-west-2 checkout");
    const { text } = await lab.card();
    expect(text).toContain(`${secondary}: available, a secondary of checkout-global, connected`);
    expect(text).toContain(
      `calls rds:SwitchoverGlobalCluster for ${secondary}; depends on RDS's control plane in us-east-1, the region being left`,
    );
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    const runId = await lab.newestRun();
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.asItIs()).toEqual({
      DB_HOST: clusterHostOf(west),
      pods: { east: 0, west: 2 },
      appMayLogIn: true,
      writers: [west],
      shares: { [east]: 0, [west]: 100 },
    });
    expect(changesOfRoles(lab)).toEqual([`SwitchoverGlobalCluster in us-east-1/${secondary}`]);
    const { now } = await loadReport(lab.ctx(), runId);
    expect(now).toContain(`${primary} follows ${secondary} from now on, as a secondary of the same global cluster.`);
    expect(now.join("\n")).not.toContain("UNPROTECTED");
  });

  it("are switched back the same way: the old primary follows, so nothing has to be built first", async () => {
    await lab.time.pass(20);
    await lab.starts("/failover us-east-1 checkout");
    expect(await lab.untilRests()).toBe("done");
    expect(changesOfRoles(lab).slice(1)).toEqual([`SwitchoverGlobalCluster in us-west-2/${primary}`]);
    const { writers, shares } = await lab.asItIs();
    expect({ writers, shares }).toEqual({ writers: [east], shares: { [east]: 100, [west]: 0 } });
  });

  it("are failed over out of a dead region, with what may be lost said and accepted", async () => {
    await lab.setRegionDead(east, true);
    await lab.time.pass(60);
    await lab.asks("/failover us-west-2 vault");
    const { text } = await lab.card();
    expect(text).toContain(
      `calls rds:FailoverGlobalCluster for ${vault[west]}, with AllowDataLoss; depends on RDS's control plane in us-west-2`,
    );
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    const runId = await lab.newestRun();
    expect(await lab.untilRests()).toBe("done");
    expect(changesOfRoles(lab).slice(2)).toEqual([`FailoverGlobalCluster in us-west-2/${vault[west]}`]);
    const [, service] = await lab.everyService();
    expect(service?.shares).toEqual({ [east]: 0, [west]: 100 });
    const { now } = await loadReport(lab.ctx(), runId);
    expect(now.join("\n")).toContain(
      `${vault[west]} has no secondary. RDS makes one of ${vault[east]} once us-east-1 is back`,
    );
  });

  it("leave nothing to fence once RDS has made the old primary a secondary, whose writer endpoint has no address", async () => {
    expect(await leftUnfenced()).toHaveLength(1);
    await lab.setRegionDead(east, false);
    await lab.time.pass(60);
    // Its region is back, and RDS is not done yet.
    expect(await leftUnfenced()).toHaveLength(1);
    lab.time.strideSeconds = 30;
    await lab.time.until("nothing is left to fence", async () => (await leftUnfenced()).length === 0, 900);
    expect(await streams(vaultsPair().primary.server)).toBe(true);
    const refences = await lab.query("select from muster.run where job = 'refence'");
    expect(refences).toEqual([]);
  });

  it("ask RDS for what deploy/iam/aurora.json gives, all of it and nothing else", () => {
    const policies = ["checkout", "vault"].map((service) => shippedPolicy("aurora", service));
    const asked = awsCalls(lab.log.all).filter(({ action }) => action.startsWith("rds:"));
    expect(asked.filter((call) => !isAllowed(policies, call))).toEqual([]);
    expect([...new Set(asked.map(({ action }) => action))].toSorted()).toEqual(actionsOf(policies));
  });
});
