import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Report } from "../../src/doctor/report.ts";
import { east, west } from "../../src/lab/estate.ts";
import { controlCheck } from "../../src/lab/traffic.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { openRedis } from "../../src/lab/redis.ts";
import { run } from "../terminal/process.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ serve: false, settings: { CALL_TIMEOUT_MILLISECONDS: "10000", LEASE_MILLISECONDS: "30000" } });
});
afterAll(() => lab.close());

/** What requests do that change nothing, at each server of the lab. */
const looks = [
  /^statuspage GET /,
  /^rds DescribeDBInstances$/,
  /^route53 (GetHostedZone|ListResourceRecordSets|GetHealthCheck)$/,
  /^sts (GetCallerIdentity|HEAD)$/,
  /^kubernetes-us-(east-1|west-2) (GET .*|LIST horizontalpodautoscalers|POST selfsubjectaccessreviews)$/,
  /^slack (auth\.test|apps\.connections\.open|conversations\.(list|info)|users\.info)$/,
];

/** Every row of every table (but of turns: one is taken to ask the status page), and every role, of Muster's database and of both servers of the pair. */
async function everything(): Promise<unknown> {
  const tables = `
    select format('%I.%I', schemaname, tablename) as name,
           query_to_xml(format('select * from %I.%I as t order by t::text', schemaname, tablename), true, true, '')::text as rows
      from pg_tables where schemaname not in ('pg_catalog', 'information_schema') and (schemaname, tablename) <> ('muster', 'turn')
     order by 1`;
  const roles = "select rolname, rolcanlogin, rolcreaterole, rolconfig from pg_roles order by 1";
  const sides = [lab.pair.primary, lab.pair.replica];
  return {
    muster: await lab.query(tables),
    shops: await Promise.all(sides.map(async ({ server }) => [await ask(server, tables), await ask(server, roles)])),
  };
}

describe("muster doctor where all is well", () => {
  it("says of each thing what it saw, that nothing was changed, and ends with status 0", async () => {
    const { status, text } = await lab.types("nobody", ["doctor"]);
    const lines = text.split("\n");
    expect(lines.filter((line) => !line.startsWith("ok "))).toEqual([
      "",
      `${lines.length - 2} ok, 0 warnings, 0 will not work. Nothing was changed.`,
    ]);
    expect(status).toBe(0);
    for (const said of [
      /^ok +the estate: .*estate\.yaml, 1 service$/m,
      /^ok +Muster's database: Postgres \d+.*, migrated, takes writes$/m,
      /^ok +the queue \(Postgres\): in Muster's database$/m,
      /^ok +this machine's clock against that of Muster's database: at most 3 seconds apart$/m,
      /^ok +this machine's clock against that of AWS: at most 3 seconds apart$/m,
      /^ok +mail: 127\.[\d.]+:\d+ takes mail from muster@example\.com/m,
      /^ok +the status page: it opens, and has all 2 components$/m,
      /^ok +Slack's bot token: muster in Lab \(T01\)$/m,
      /^ok +Slack's scopes: all that Muster needs$/m,
      /^ok +Slack's Socket Mode: the app-level token opens a connection$/m,
      /^ok +the channel #emergency-backup: the app is in it \(C02\)$/m,
      /^ok +approvers: 3 who can approve a run, two at a time$/m,
      /^ok +people in Slack: 4 of 4 are members of the workspace$/m,
      /^ok +AWS in us-west-2: account 123456789012, as arn:aws:iam::123456789012:user\/lab$/m,
      /^ok +the instance checkout-db in us-east-1: a writer, available, Postgres \d+/m,
      /^ok +the instance checkout-db-west in us-west-2: a replica, replicating, available, Postgres \d+/m,
      /^ok +the database checkout-db in us-east-1: takes writes, has the schema muster_guard, lets Muster fence app$/m,
      /^ok +the database checkout-db-west in us-west-2: follows its writer, has the schema muster_guard, lets Muster fence app$/m,
      /^ok +the service checkout in us-west-2: the estate names its front door, and what runs there: checkout$/m,
      /^ok +the front door west\.example\.com: 127\.[\d.]+$/m,
      /^ok +the zone Z0LAB: example\.com, \d+ records$/m,
      /^ok +the record checkout\.example\.com: us-east-1 100, us-west-2 0$/m,
      /^ok +the name servers of checkout\.example\.com: ns-1\.example-dns\.lab can be asked$/m,
      /^ok +the public resolvers, asked for checkout\.example\.com: 127\.[\d.:]+ can be asked$/m,
      /^ok +the cluster west: Kubernetes v1\.\d+/m,
      /^ok +rights in the cluster west: all 5 that moves need$/m,
      /^ok +the deployment shop\/checkout in the cluster east: 3 of 3 pods ready$/m,
      /^ok +DB_HOST of the config map shop\/app-config in the cluster west: checkout-db\.us-east-1\.rds\.lab$/m,
    ]) {
      expect(text).toMatch(said);
    }
  });

  it("changes nothing: every request it makes only looks, and every row is as it was", async () => {
    const before = await everything();
    const asked = lab.log.all.length;
    await lab.types("nobody", ["doctor"]);
    const requests = lab.log.all.slice(asked);
    // Pods are looked at by their own kubelets all the time.
    const made = new Set(
      requests
        .filter(({ server }) => !server.startsWith("kubelet-"))
        .map(({ server, action }) => `${server} ${action}`),
    );
    expect([...made].filter((request) => !looks.some((look) => look.test(request)))).toEqual([]);
    expect(looks.filter((look) => ![...made].some((request) => look.test(request)))).toEqual([]);
    expect(requests.flatMap(({ effects }) => effects)).toEqual([]);
    expect(lab.mail.all).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  it("prints one JSON object with --json, as a process of its own", async () => {
    const { status, out, err } = await run(["doctor", "--json"], lab.environment);
    expect({ status, err }).toEqual({ status: 0, err: "" });
    const report = JSON.parse(out) as Report;
    expect(report).toEqual({
      ok: true,
      counts: { ok: report.findings.length, warning: 0, broken: 0 },
      findings: report.findings.map(() => ({
        subject: expect.any(String),
        state: "ok",
        seen: expect.any(String),
      })),
    });
  });

  it("shows no secret, whatever it says", async () => {
    const texts = [(await lab.types("nobody", ["doctor"])).text];
    lab.environment["GUARD_PASSWORD"] = "hunter22";
    lab.slack.knobs.tokenRefused = "invalid_auth";
    texts.push((await lab.types("nobody", ["doctor", "--json"])).text);
    lab.environment["GUARD_PASSWORD"] = "lab-muster";
    lab.slack.knobs.tokenRefused = false;
    const { SLACK_BOT_TOKEN = "", SLACK_APP_TOKEN = "", MUSTER_KEY = "" } = lab.environment;
    const secrets = [SLACK_BOT_TOKEN, SLACK_APP_TOKEN, MUSTER_KEY, "lab-muster-app", "lab-app", "lab-secret-key"];
    const tokens = Object.keys(lab.clusters).map((region) => `lab-token-${region === east ? "east" : "west"}`);
    for (const secret of [...secrets, "hunter22", ...tokens]) {
      expect(texts.filter((text) => text.includes(secret))).toEqual([]);
    }
  });

  it("looks at Redis where Redis rings, and says when it may throw rings away or does not answer", async () => {
    const said = async () => {
      const { status, text } = await lab.types("nobody", ["doctor"]);
      expect(status).toBe(0);
      return text.split("\n").filter((line) => /redis/i.test(line));
    };
    await using redis = await openRedis();
    try {
      lab.environment["REDIS_URL"] = redis.url;
      expect(await said()).toEqual([expect.stringMatching(/^ok +the queue \(Redis\): Redis \d+\.\d+/)]);
      await redis.kill();
      expect(await said()).toEqual([
        expect.stringMatching(/^warning +the queue \(Redis\)$/),
        expect.stringMatching(/^ +Look at REDIS_URL and at the server it names\.$/),
      ]);
      // Nothing that goes on trying keeps the process.
      const { status, out } = await run(["doctor"], lab.environment);
      expect({ status, out }).toEqual({ status: 0, out: expect.stringContaining("The queue refuses connections.") });
    } finally {
      delete lab.environment["REDIS_URL"];
    }
  });

  it("tells of a health check that is there, one that is disabled, and one that is gone", async () => {
    const records = lab.route53.records().filter(({ name }) => name.startsWith("checkout."));
    const { id: disabled } = lab.route53.health.create("by hand", { ...controlCheck, disabled: true });
    lab.route53.edit(
      records.map((record) => ({ ...record, healthCheckId: record.setIdentifier === west ? disabled : "hc-east" })),
    );
    const { status, text } = await lab.types("nobody", ["doctor"]);
    lab.route53.edit(records);
    expect(status).toBe(1);
    expect(text).toMatch(
      new RegExp(
        `^warning +the health check of checkout\\.example\\.com \\(us-west-2\\)\\n +The health check ${disabled} is disabled\\.\n +A disabled check that is inverted counts as unhealthy`,
        "m",
      ),
    );
    expect(text).toMatch(
      /^will not work +the health check of checkout\.example\.com \(us-east-1\)\n +Route 53 has no health check hc-east\.$/m,
    );
  });

  it("is named in the help, in Slack's words and in a terminal's", async () => {
    expect((await lab.types("ana", ["help"])).text).toContain("muster doctor says what would not work");
    expect((await lab.types("ana", ["--help"])).text).toMatch(
      /\n {2}doctor \[options\] +looks at everything Muster stands on/,
    );
  });
});
