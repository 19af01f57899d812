import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { generateSync } from "otplib";
import { parse, stringify } from "yaml";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { app, muster } from "../../src/lab/shop.ts";
import { traceIntoMemory } from "../traces/memory.ts";
import { found, password, strangers, type Canary } from "./canaries.ts";
import { everyMessage, everyRow, fetchAll } from "./ways-out.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(300_000);

type Service = {
  traffic: { name: string };
  databases: { writer: Side; replica: Side }[];
  deployments: { name: string }[];
  configs: { name: string }[];
};
type Estate = { services: Record<string, Service> };
type Side = { instance: string; appRole: { env: string } };

describe("a hundred secrets, in a failover in which everything that fails quotes some of them", () => {
  /** Of services beside the one that moves: their databases' passwords. */
  const theirs = Array.from({ length: 16 }, (_, at) => password(`the database of service ${at}`));
  const session = password("the session token of AWS");
  const strange = strangers(4);
  const told: Record<string, string> = {};
  /** What a terminal shows of the run and of all that Muster stands on. */
  const printed: Record<"report" | "page" | "story" | "doctor", string> = {
    report: "",
    page: "",
    story: "",
    doctor: "",
  };
  const lines: string[] = [];
  const says: string[] = [];
  const recited = new Set<Canary>();
  /** Shown once, in a terminal, to whom it belongs. */
  let shown: Canary;
  let planted: Canary[] = [];
  let lab: Lab;
  let traced: ReturnType<typeof traceIntoMemory>;

  /** Quotes the next five, in turn, so that each of them is quoted many times. */
  let turn = 0;
  const recite = () => {
    const next = Array.from({ length: 5 }, (_, at) => planted[(turn + at) % planted.length]).filter((one) => !!one);
    turn += 5;
    for (const canary of next) recited.add(canary);
    return next.map(({ text }) => text).join(" and ");
  };
  const failing = () => [
    lab.rds.knobs,
    lab.route53.knobs,
    lab.statusPage.knobs,
    lab.sts.knobs,
    ...Object.values(lab.clusters).map(({ knobs }) => knobs),
  ];

  beforeAll(async () => {
    traced = traceIntoMemory();
    const settings = Object.fromEntries(theirs.map(({ text }, at) => [`DB_${at}`, `postgres://svc${at}:${text}@x/y`]));
    lab = await openLab({
      serve: false,
      strideSeconds: 10,
      patient: true,
      settings: { ...settings, AWS_SESSION_TOKEN: session.text, LOG_LEVEL: "debug" },
      editEstate: (yaml) => withServices(yaml, theirs.length / 2),
    });
    await lab.startMuster({ logTo: { write: (line) => void lines.push(line) } });
    await lab.time.until("Slack listens", () => lab.slack.sockets.connections > 0, 60);
    const own = (kind: string, text: string | undefined): Canary => ({ kind, text: text ?? "", core: text ?? "" });
    const { environment } = lab;
    planted = [
      own("the password of Muster's database", new URL(environment["DATABASE_URL"] ?? "").password),
      own("Slack's bot token", environment["SLACK_BOT_TOKEN"]),
      own("Slack's app token", environment["SLACK_APP_TOKEN"]),
      own("the key of the authenticators' secrets", environment["MUSTER_KEY"]),
      own("AWS's secret key", environment["AWS_SECRET_ACCESS_KEY"]),
      own("the key of the status page", environment["STATUSPAGE_TOKEN"]),
      own("Muster's role in users' databases", `${muster.password}`),
      own("the application's role", `${app.password}`),
      own("the application's database URL", environment["CHECKOUT_DB_URL"]),
      own("the token for the cluster east", `lab-token-east-${lab.addresses.network}`),
      own("the token for the cluster west", `lab-token-west-${lab.addresses.network}`),
      session,
      ...theirs,
      ...strange,
    ];
    await play();
  });
  afterAll(async () => {
    await lab.close();
    await traced.stop();
  });

  async function play(): Promise<void> {
    says.push(await lab.says("ana", `/muster ${strange[0]?.text}`));
    const enrolment = (await lab.types("ben", ["enrol"])).text;
    const secret = /secret=(\w+)/.exec(enrolment)?.[1] ?? "";
    shown = { kind: "ben's authenticator", text: secret, core: secret };
    for (const knobs of [...failing(), lab.slack.knobs, lab.mail.knobs]) knobs.recites = recite;
    lab.mail.knobs.next("DATA", "fail-before", 1);
    lab.mail.knobs.next("DATA", "throttle", 2);
    // The users' database quotes some whenever Muster's mark is set in it, at first.
    await lab.pair.primary.server.connect("shop").then(async (client) => {
      const quoted = recite().replaceAll("'", "''").replaceAll("%", "%%");
      await client.query(`
        create function public.quote() returns trigger language plpgsql as 'begin raise exception ''${quoted.replaceAll("'", "''")}''; end';
        create trigger quote before insert or update on muster_guard.heartbeat for each row execute function public.quote()`);
      await lab.time.pass(30);
      await client.query("drop trigger quote on muster_guard.heartbeat");
      await client.end();
    });
    const reason = strange
      .slice(0, 20)
      .map(({ text }) => text.replaceAll(/["\s]/g, "_"))
      .join(" ");
    for (const knobs of failing()) knobs.errorRate = 0.7;
    says.push(await lab.says("ana", "/failover us-west-2 checkout --dry-run"));
    for (const knobs of failing()) knobs.errorRate = 0;
    says.push(await lab.says("ana", `/failover us-west-2 checkout --reason "${reason.replaceAll('"', "")}"`));
    const runId = await lab.newestRun();
    const terminal = async (...argv: string[]) => says.push((await lab.types("ben", argv)).text);
    await terminal("runs", "approve", runId, "--code", generateSync({ secret: shown.text }));
    says.push(await lab.presses("cleo", "Approve"));
    await lab.untilTold("Started:");
    for (const knobs of failing()) knobs.errorRate = 0.2;
    lab.slack.knobs.errorRate = 0.2;
    let rest = await lab.untilRests();
    for (let times = 0; rest.startsWith("parked") && times < 10; times += 1) {
      told["parked"] = rest;
      says.push(await lab.says("cleo", `/muster runs continue ${runId}`));
      await lab.time.pass(20);
      rest = await lab.untilRests();
    }
    expect(rest).toBe("done");
    lab.slack.knobs.errorRate = 0;
    await terminal("runs", "show", runId);
    await terminal("runs");
    await terminal("runs", "show", strange[3]?.text ?? "");
    await terminal(strange[4]?.text ?? "");
    says.push(await lab.says("ana", `/muster runs show ${runId}`));
    await fetchAll(lab, told, "");
    // Every table of Muster's own that it writes quotes some as well, for a while.
    const quoted = recite().replaceAll("'", "''''").replaceAll("%", "%%");
    await lab.query(`
      create function public.quote() returns trigger language plpgsql as 'begin raise exception ''${quoted}''; end'`);
    await lab.query(
      "create trigger quote before insert or update on muster.turn for each row execute function public.quote()",
    );
    await fetchAll(lab, told, " while the database is in trouble");
    await lab.time.pass(30);
    await lab.query("drop trigger quote on muster.turn");
    for (const knobs of failing()) knobs.errorRate = 0;
    const nothingWaits = async () =>
      (await lab.query("select from muster.outbox where state in ('waiting', 'sending')")).length === 0;
    await lab.time.until("everything is told", nothingWaits, 3600);
    const prints = async (...argv: string[]) => (await lab.types("ben", argv)).text;
    printed.report = await prints("runs", "report", runId);
    printed.page = await prints("runs", "report", runId, "--format", "html");
    printed.story = await prints("follow", runId);
    for (const knobs of failing()) knobs.errorRate = 1;
    printed.doctor = await prints("doctor");
    for (const knobs of failing()) knobs.errorRate = 0;
  }

  it("were quoted, every one of them, to Muster", () => {
    expect(planted.length).toBeGreaterThanOrEqual(100);
    expect(new Set(planted.map(({ core }) => core)).size).toBe(planted.length);
    expect(planted.filter((canary) => !recited.has(canary)).map(({ kind }) => kind)).toEqual([]);
  });

  it.each<[string, () => string | Promise<string>]>([
    ["Slack's messages, cards, and words for one person", () => everyMessage(lab)],
    ["what a person was told at once", () => says.join("\n")],
    ["mails", () => JSON.stringify(lab.mail.all)],
    ["the status page", () => JSON.stringify([lab.statusPage.incidents(), lab.statusPage.components()])],
    ["the run's report", () => printed.report],
    ["the run's report as a page", () => printed.page],
    ["the run's story, line by line", () => printed.story],
    ["what doctor says where everything fails", () => printed.doctor],
    ["the log, with everything that is logged at all", () => lines.join("")],
    ["every row of every table: journal, outbox, inbox, the queue's", () => everyRow(lab)],
    ["/metrics, /readyz and what else is asked for over HTTP", () => JSON.stringify(told)],
    [
      "traces",
      () =>
        JSON.stringify(
          traced.spans().map(({ name, attributes, status, events }) => ({ name, attributes, status, events })),
        ),
    ],
  ])("are in none of %s", async (_name, read) => {
    const text = await read();
    expect(text.length).toBeGreaterThan(500);
    expect(found([...planted, shown], text)).toEqual([]);
  });

  it("left their mark where they would have stood", async () => {
    const { report, page, story, doctor } = printed;
    for (const text of [
      lines.join(""),
      await everyRow(lab),
      says.join("\n"),
      everyMessage(lab),
      report,
      page,
      story,
      doctor,
    ])
      expect(text).toContain("[redacted]");
  });
});

/** Adds services that stand by: their databases are beaten and probed, in vain. */
function withServices(yaml: string, count: number): string {
  const estate = parse(yaml) as Estate;
  const { checkout } = estate.services;
  for (let at = 0; at < count; at += 1) {
    const service = structuredClone(checkout);
    const [database] = service?.databases ?? [];
    if (!service || !database) throw new Error("the lab has no checkout");
    database.writer = { ...database.writer, instance: `other-${at}`, appRole: { env: `DB_${at * 2}` } };
    database.replica = { ...database.replica, instance: `other-${at}-west`, appRole: { env: `DB_${at * 2 + 1}` } };
    service.traffic.name = `other-${at}.example.com`;
    for (const one of [...service.deployments, ...service.configs]) one.name = `other-${at}`;
    estate.services[`other-${at}`] = service;
  }
  return stringify(estate);
}
