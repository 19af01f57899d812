import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { setTimeout } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { control, east, instances, record, routingControls, west, zone } from "../../src/lab/estate.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { openPatient, type Patient } from "./patient.ts";

let patient: Patient;
beforeAll(async () => {
  patient = await openPatient();
});
afterAll(() => patient.lab.close());

describe("AWS", () => {
  it("credentials that it does not take, and a region that does not answer", async () => {
    const expired = await patient.broken(
      () => (patient.lab.sts.refuses = "ExpiredToken"),
      () => (patient.lab.sts.refuses = undefined),
    );
    expect(expired).toEqual(
      [east, west].map(
        (region) =>
          `broken AWS in ${region}: STS in ${region} refused: ExpiredToken: The security token included in the request is not valid.`,
      ),
    );
    const silent = await patient.broken(
      () => patient.lab.sts.setRegion(west, "silent"),
      () => patient.lab.sts.setRegion(west, false),
    );
    expect(silent).toEqual(["broken AWS in us-west-2: STS in us-west-2 does not answer."]);
  });

  it("instances that may not be seen, are not there, or are not fit", async () => {
    const denied = await patient.broken(
      () => patient.lab.rds.denied.add("DescribeDBInstances"),
      () => patient.lab.rds.denied.clear(),
    );
    expect(denied).toEqual(
      ["checkout-db in us-east-1", "checkout-db-west in us-west-2"].map(
        (name) =>
          `broken the instance ${name}: AWS did not let Muster look at the instance ${name.split(" ")[0]} (rds:DescribeDBInstances: AccessDenied).`,
      ),
    );
    expect(
      await patient.withEstate((yaml) => yaml.replace("instance: checkout-db-west", "instance: checkout-db-north")),
    ).toEqual([
      "broken the instance checkout-db-north in us-west-2: RDS in us-west-2 has no instance checkout-db-north.",
    ]);
    for (const [status, state] of [
      ["stopped", "broken"],
      ["modifying", "warning"],
    ] as const) {
      const said = await patient.broken(
        () => patient.lab.rds.setStatus(instances[west], status),
        () => patient.lab.rds.setStatus(instances[west], "available"),
      );
      expect(said).toEqual([
        `${state} the instance checkout-db-west in us-west-2: checkout-db-west in us-west-2 is "${status}".`,
      ]);
    }
  });

  it("an instance without the tag that the policy asks for", async () => {
    const said = await patient.broken(
      () => patient.lab.rds.setTags(instances[east], {}),
      () => patient.lab.rds.setTags(instances[east], { "dr-managed": "true" }),
    );
    expect(said).toEqual([
      "warning the instance checkout-db in us-east-1: checkout-db in us-east-1 has no tag dr-managed=true.",
    ]);
  });

  it("a zone that may not be read, and a record that is missing", async () => {
    const denied = await patient.broken(
      () => patient.lab.route53.denied.add("ListResourceRecordSets"),
      () => patient.lab.route53.denied.clear(),
    );
    expect(denied).toEqual([
      "broken the zone Z0LAB: AWS did not let Muster read the zone Z0LAB (route53:ListResourceRecordSets: AccessDenied).",
    ]);
    const missing = await patient.withEstate((yaml) =>
      yaml.replace("name: checkout.example.com", "name: basket.example.com"),
    );
    expect(missing).toEqual([
      "broken the record basket.example.com: The zone Z0LAB has no such record (A) for us-east-1 and us-west-2.",
    ]);
    const unknown = await patient.withEstate((yaml) => yaml.replace("zone: Z0LAB", "zone: Z0NONE"));
    expect(unknown).toEqual(["broken the zone Z0NONE: Route 53: No hosted zone found with ID: Z0NONE."]);
    const unasked = await patient.broken(
      () => {
        patient.lab.dns.knobs.down = "refuses";
        // It was asked a moment ago, and keeps what it heard.
        patient.lab.resolver.forget();
      },
      () => (patient.lab.dns.knobs.down = false),
    );
    expect(unasked.join("\n")).toMatch(
      /^broken the name servers of .* server refuses\.\nbroken the public resolvers, .*\.com\.$/m,
    );
  });
});

/** Says something to the writer, and waits until its replica has it, too. */
const onWriter = async (sql: string) => {
  const { primary, replica } = patient.lab.pair;
  await ask(primary.server, sql);
  const [row] = await ask<{ lsn: string }>(primary.server, "select pg_current_wal_lsn()::text as lsn");
  const arrived = `select where pg_last_wal_replay_lsn() >= '${row?.lsn}'`;
  while ((await ask(replica.server, arrived)).length === 0) await setTimeout(20);
};

describe("the databases themselves", () => {
  const both = (says: string) =>
    ["checkout-db in us-east-1", "checkout-db-west in us-west-2"].map((name) => `${says.replace("NAME", name)}`);

  it("a password that is wrong, or not set", async () => {
    const said = await patient.troubles({ GUARD_PASSWORD: "hunter22" });
    expect(said).toEqual([
      `broken the database checkout-db in us-east-1: checkout-db: password authentication failed for user "muster".`,
      `broken the database checkout-db-west in us-west-2: checkout-db-west: password authentication failed for user "muster".`,
    ]);
    expect(await patient.troubles({ GUARD_PASSWORD: "" })).toEqual([
      "broken the databases themselves: GUARD_PASSWORD is not set.",
    ]);
  });

  it("no guard schema", async () => {
    const said = await patient.broken(
      () => onWriter("alter schema muster_guard rename to elsewhere"),
      () => onWriter("alter schema elsewhere rename to muster_guard"),
    );
    expect(said.toSorted()).toEqual(
      both("warning the database NAME: NAME has no schema muster_guard.").map((line) =>
        line.replace("NAME", line.slice(21, line.indexOf(": "))),
      ),
    );
  });

  it("no right to fence", async () => {
    const said = await patient.broken(
      () => onWriter("alter role muster nocreaterole; revoke app from muster"),
      () => onWriter("alter role muster createrole; grant app to muster with admin option"),
    );
    expect(said[0]).toBe(
      "broken the database checkout-db in us-east-1: Muster may not take the login of the role app in checkout-db in us-east-1.",
    );
  });

  it("a table whose rows Muster may not see", async () => {
    const said = await patient.broken(
      () => onWriter("alter table orders enable row level security"),
      () => onWriter("alter table orders disable row level security"),
    );
    expect(said).toEqual([
      "warning the database checkout-db in us-east-1: Muster may not see every row of public.orders in checkout-db in us-east-1.",
    ]);
  });

  it("an application's role that is not there, is locked, or has another password", async () => {
    const url = patient.lab.environment["CHECKOUT_DB_URL"] ?? "";
    const [unknown] = await patient.troubles({ CHECKOUT_DB_URL: url.replace("app:", "nobody:") });
    expect(unknown).toBe("broken the database checkout-db in us-east-1: checkout-db in us-east-1 has no role nobody.");
    const [wrong] = await patient.troubles({ CHECKOUT_DB_URL: url.replace("lab-app", "hunter22") });
    expect(wrong).toBe(
      `broken the application's role of checkout: checkout-db: password authentication failed for user "app".`,
    );
    const full = await patient.broken(
      () => onWriter("alter role app connection limit 0"),
      () => onWriter("alter role app connection limit -1"),
    );
    expect(full[0]).toMatch(
      /^warning the application's role of checkout: checkout-db: too many connections for role "app"/,
    );
    const locked = await patient.broken(
      () => onWriter("alter role app nologin"),
      () => onWriter("alter role app login"),
    );
    expect(locked).toEqual([
      "warning the database checkout-db in us-east-1: The role app may not log in to checkout-db in us-east-1, which takes writes.",
    ]);
    expect(await patient.troubles({ CHECKOUT_DB_URL: "" })).toEqual([
      "broken the application's role of checkout: A secret the estate refers to is not there, or cannot be read: the environment variable CHECKOUT_DB_URL.",
    ]);
    expect(await patient.troubles({ CHECKOUT_DB_URL: "hunter22" })).toEqual([
      "broken the application's role of checkout: The secret of its appRole is no postgres:// URL.",
    ]);
  });
});

const withTraffic = (traffic: object) =>
  patient.withEstate((yaml) => {
    const estate = parse(yaml) as { services: { checkout: { traffic: object } } };
    estate.services.checkout.traffic = traffic;
    return stringify(estate);
  });

describe("the switch", () => {
  it("that cannot move anybody, by its check or its object", async () => {
    const { lab } = patient;
    const traffic = { driver: "route53-switch", zone: zone.id, name: record, primary: east, control };
    const troubles = () => withTraffic(traffic);
    lab.useTraffic("route53-switch");
    expect(await troubles()).toEqual([]);
    const object = `s3://${control.bucket}/${control.key}`;
    const check = lab.route53.health.all.find(({ config }) => config.path === `/${control.key}`);
    lab.route53.health.edit(check?.id ?? "", { disabled: true });
    lab.s3.setRegion(west, "refuses");
    expect(await troubles()).toEqual([
      `broken the health check of ${record} (${east}): The health check ${check?.id} does not follow ${object}: it is disabled.`,
      `broken the control object of checkout: ${object} cannot be looked at: S3 in us-west-2 breaks connections.`,
    ]);
    lab.s3.setRegion(west, false);
    lab.useTraffic("route53-weighted");
  });
});

describe("routing controls", () => {
  it("that few endpoints tell, and checks that do not follow them", async () => {
    const { lab } = patient;
    const { endpoints } = lab.recoveryCluster;
    const traffic = {
      driver: "arc-routing-control",
      zone: zone.id,
      name: record,
      endpoints,
      controls: routingControls,
    };
    const troubles = () => withTraffic(traffic);
    expect(await troubles()).toEqual([
      "broken the record checkout.example.com: The zone Z0LAB has no record with a health check of that name (A) for us-east-1 and us-west-2.",
    ]);
    lab.useTraffic("arc-routing-control");
    expect(await troubles()).toEqual([]);
    for (const region of ["eu-west-1", "ap-northeast-1"]) lab.recoveryCluster.setRegion(region, "refuses");
    const few =
      "3 of 5 endpoints of the recovery cluster tell them: the endpoint in eu-west-1 breaks connections; the endpoint in ap-northeast-1 breaks connections.";
    expect(await troubles()).toEqual([`warning the routing controls of checkout: ${few}`]);
    for (const region of ["eu-west-1", "ap-northeast-1"]) lab.recoveryCluster.setRegion(region, false);
    lab.recoveryCluster.denied.add("GetRoutingControlState");
    const check = lab.route53.health.all.find(({ config }) => config.routingControl === routingControls[west]);
    lab.route53.health.edit(check?.id ?? "", { inverted: true });
    expect(await troubles()).toEqual([
      expect.stringMatching(
        /^broken the health check of checkout\.example\.com \(us-west-2\): .* routing control of us-west-2: it is inverted/,
      ),
      expect.stringMatching(
        /^broken the routing controls of checkout: 0 of 5 .*: AWS did not let Muster read the routing control of us-/,
      ),
    ]);
    lab.recoveryCluster.denied.clear();
    lab.useTraffic("route53-weighted");
  });
});
