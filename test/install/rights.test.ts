import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { east, record, west, zone } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import type { LabRequest } from "../../src/lab/request-log.ts";
import { controlCheck } from "../../src/lab/traffic.ts";
import { actionsOf, isAllowed, type AwsCall, type Policy } from "../plumbing/iam.ts";
import { rightsOf, ruleFor, shippedRoles, type ClusterCall, type Role } from "../plumbing/rbac.ts";
import { account, awsCalls, clusterCalls, shippedPolicy } from "./lab-calls.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(root + path, "utf8");

const observe = shippedPolicy("observe");
const act = shippedPolicy("act");
/** In place of what the others say of RDS where databases are clusters of Aurora; test/stories/aurora.test.ts weighs it. */
const aurora = shippedPolicy("aurora");
/** Beside them where customers are moved by an object; test/terminal/traffic.test.ts weighs it, and a step's own test. */
const byObject = shippedPolicy("switch");
/** Beside them where routing controls move them; test/stories/routing-controls.test.ts holds a run to it. */
const byControls = shippedPolicy("routing-controls");
const observeRoles = shippedRoles("observe");
const actRoles = shippedRoles("act");

const outsideAws = (requests: readonly LabRequest[], policies: readonly Policy[]): AwsCall[] =>
  awsCalls(requests).filter((call) => !isAllowed(policies, call));
const outsideClusters = (requests: readonly LabRequest[], roles: readonly Role[]): ClusterCall[] =>
  clusterCalls(requests).filter((call) => !ruleFor(roles, call));

/** Gives Muster what the files give, in both clusters, instead of what the lab would. */
function grant(lab: Lab, roles: readonly Role[]): void {
  const rules = roles.flatMap((role) =>
    role.rules.map(({ apiGroups, resources, verbs }) => ({
      group: apiGroups[0] ?? "",
      resource: resources[0] ?? "",
      verbs,
    })),
  );
  for (const cluster of Object.values(lab.clusters)) cluster.rules.splice(0, cluster.rules.length, ...rules);
}

/** Lets Muster learn what there is, then kills the east and lets it see that customers are away. */
async function die(lab: Lab): Promise<void> {
  await lab.time.pass(60);
  await lab.setRegionDead(east, true);
  const redProbes = () => lab.query("select from muster.probe where not ok");
  // Step by step: a probe of what is silent is not waited for, and time must not leap over the next.
  while ((await redProbes()).length < 2) await lab.time.pass(10);
}

describe("the rights that docs/install.md hands out", () => {
  const played: Record<string, readonly LabRequest[]> = {};
  beforeAll(async () => {
    for (const dead of [false, true]) {
      await using lab = await openLab(dead ? {} : { strideSeconds: 10, patient: true });
      grant(lab, [...observeRoles, ...actRoles]);
      if (dead) await die(lab);
      await lab.starts();
      expect(await lab.untilRests()).toBe("done");
      played[dead ? "the old side dead" : "the old side alive"] = lab.log.all;
    }
  });
  let looked: Lab;
  let dryRun: string;
  beforeAll(async () => {
    looked = await openLab({ patient: true });
    grant(looked, observeRoles);
    // Its records have health checks: preflight asks how those are.
    const check = looked.route53.health.create("by hand", controlCheck);
    check.endpointOk = false;
    const pair = looked.route53.records().filter(({ setIdentifier }) => setIdentifier !== undefined);
    looked.route53.edit(pair.map((one) => ({ ...one, healthCheckId: check.id })));
    dryRun = (await looked.types("ana", ["failover", west, "checkout", "--dry-run"])).text;
  });
  afterAll(() => looked.close());

  it.each(["the old side alive", "the old side dead"])("are enough for a failover with %s", (which) => {
    const requests = played[which] ?? [];
    expect(awsCalls(requests).length).toBeGreaterThan(10);
    expect(clusterCalls(requests).length).toBeGreaterThan(10);
    expect(outsideAws(requests, [observe, act])).toEqual([]);
    expect(outsideClusters(requests, [...observeRoles, ...actRoles])).toEqual([]);
  });

  it("of looking are enough to see a plan, which then says what Muster may not do yet", () => {
    expect(dryRun).toContain("Muster may not scale shop/checkout in the cluster west");
    expect(dryRun).toContain("Muster may not change the config map shop/app-config in the cluster west");
    expect(dryRun).toContain("the health check of us-east-1's record");
    expect(awsCalls(looked.log.all).map(({ action }) => action)).toContain("route53:GetHealthCheckStatus");
    expect(outsideAws(looked.log.all, [observe])).toEqual([]);
    // The cluster is asked to check the change, and says no.
    const refused = outsideClusters(looked.log.all, observeRoles).map(({ verb, resource }) => `${verb} ${resource}`);
    expect([...new Set(refused)]).toEqual(["patch configmaps"]);
    expect(looked.changes()).toEqual([]);
  });

  it("hold nothing that no failover and no look uses", () => {
    const requests = [...Object.values(played).flat(), ...looked.log.all];
    const actions = new Set(awsCalls(requests).map(({ action }) => action));
    expect(actionsOf([observe, act]).filter((action) => !actions.has(action))).toEqual([]);
    const asked = new Set(clusterCalls(requests).map(({ verb, resource }) => `${verb} ${resource}`));
    expect(rightsOf([...observeRoles, ...actRoles]).filter((right) => !asked.has(right))).toEqual([]);
  });

  it("name every command of AWS's that the source has, but for those that nobody gives", () => {
    const notGiven = {
      "route53:GetChange": "that all name servers answer is seen, not told",
      "sts:GetCallerIdentity": "AWS lets everybody ask who they are",
    };
    const services: Record<string, string> = { rds: "rds", "route-53": "route53", s3: "s3" };
    const commands = globSync("{src,jobs,commands}/**/*.ts", { cwd: root }).flatMap((file) => {
      const source = read(file);
      const imported = source.matchAll(/import \{([^}]*)\} from "@aws-sdk\/client-([\w-]+)"/g);
      const byCommand = [...imported].flatMap(([, names = "", client = ""]) =>
        [...names.matchAll(/\b(\w+)Command\b/g)].map(([, name = ""]) => `${services[client] ?? client}:${name}`),
      );
      // Of clients that are loaded late there are only types to import; they are called by methods.
      const lateClient = /import type \{ (S3|STS) \} from "@aws-sdk/.exec(source)?.[1]?.toLowerCase();
      const calls =
        lateClient === undefined ? [] : source.matchAll(new RegExp(`\\b${lateClient}\\.([a-z])(\\w+)\\(`, "g"));
      return [
        ...byCommand,
        ...[...calls].map(([, first = "", rest = ""]) => `${lateClient}:${first.toUpperCase()}${rest}`),
      ];
    });
    const missing = [...new Set(commands)].filter(
      (action) => !actionsOf([observe, act, byObject, byControls, aurora]).includes(action),
    );
    expect(commands).toEqual(expect.arrayContaining(["rds:PromoteReadReplica", "route53:GetChange", "s3:PutObject"]));
    expect(missing.toSorted()).toEqual(Object.keys(notGiven).toSorted());
  });

  it.each(["A", "AAAA", "CNAME"])("let a record of type %s be changed where it is that which is named", (type) => {
    const change = (of: string): AwsCall => ({
      action: "route53:ChangeResourceRecordSets",
      resource: `arn:aws:route53:::hostedzone/${zone.id}`,
      context: {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": [record],
        "route53:ChangeResourceRecordSetsRecordTypes": [of],
        "route53:ChangeResourceRecordSetsActions": ["CREATE", "DELETE"],
      },
    });
    const policy = shippedPolicy("act", "checkout", { "record-type": type });
    expect(isAllowed([policy], change(type))).toBe(true);
    expect(isAllowed([policy], change("TXT"))).toBe(false);
  });

  it("of Aurora are for the clusters that are named, and their global cluster, where these have the tag", () => {
    const may = (action: string, resource: string, { region = west, tags = ["true"] } = {}) =>
      isAllowed([aurora], {
        action: `rds:${action}`,
        resource,
        context: { "aws:RequestedRegion": [region], "aws:ResourceTag/dr-managed": tags },
      });
    const global = `arn:aws:rds::${account}:global-cluster:checkout-global`;
    const cluster = (region: string, id: string) => `arn:aws:rds:${region}:${account}:cluster:${id}`;
    for (const action of ["SwitchoverGlobalCluster", "FailoverGlobalCluster"]) {
      expect(may(action, cluster(west, "checkout-west"))).toBe(true);
      expect(may(action, cluster(east, "checkout-east"))).toBe(true);
      expect(may(action, global)).toBe(true);
      expect(may(action, cluster(west, "another"))).toBe(false);
      for (const untagged of [global, cluster(west, "checkout-west")]) {
        expect(may(action, untagged, { tags: [] })).toBe(false);
      }
    }
    expect(may("DescribeDBClusters", cluster(west, "another"))).toBe(true);
    expect(may("DescribeDBClusters", cluster("eu-west-1", "another"), { region: "eu-west-1" })).toBe(false);
  });

  it("change nothing while looking, and hand out no wildcard for changes", () => {
    expect(actionsOf([observe]).filter((action) => !/:(?:Describe|Get|List)/.test(action))).toEqual([]);
    expect(rightsOf(observeRoles).filter((right) => !/^(?:get|list) /.test(right))).toEqual([]);
    expect(
      [act, byControls]
        .flatMap(({ Statement }) => Statement)
        .flatMap(({ Action, Resource }) => [Action, Resource].flat())
        .filter((one) => one.includes("*")),
    ).toEqual([]);
    for (const { rules } of actRoles) for (const rule of rules) expect(rule.resourceNames).not.toBeUndefined();
  });

  it.each(["trust-irsa.json", "trust-other-account.json"])("are taken up by whom %s names, and nobody else", (file) => {
    const { Statement } = JSON.parse(read(`deploy/iam/${file}`)) as { Statement: Record<string, unknown>[] };
    for (const { Principal, Condition } of Statement) {
      expect(JSON.stringify(Principal)).not.toContain("*");
      expect(Object.keys(Condition as object)).toEqual(["StringEquals"]);
    }
  });
});
