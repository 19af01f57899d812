import { sql } from "kysely";
import { insertRun } from "../../jobs/propose/insert-run.ts";
import { makeClients } from "../../src/adapters/clients.ts";
import { makeSlack } from "../../src/adapters/slack-client.ts";
import { Activity } from "../../src/activity.ts";
import type { Call, Command, Reply } from "../../src/chat.ts";
import type { Context } from "../../src/context.ts";
import { openDb } from "../../src/db/connect.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { parseEstate } from "../../src/estate-file.ts";
import type { Press } from "../../src/inbox/answer.ts";
import { startInbox } from "../../src/inbox/inbox.ts";
import { claimAddresses } from "../../src/lab/address.ts";
import { labEstate, persons } from "../../src/lab/estate.ts";
import { openMail } from "../../src/lab/mail.ts";
import { openMusterDatabase } from "../../src/lab/postgres.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { openSlack } from "../../src/lab/slack.ts";
import { LabTime } from "../../src/lab/time.ts";
import { openMailSender } from "../../src/outbox/mail.ts";
import { putOut } from "../../src/outbox/put.ts";
import { wakeOutbox } from "../../src/outbox/wake.ts";
import { startOutbox } from "../../src/outbox/outbox.ts";
import { openSlackApp, type SlackApp } from "../../src/slack/app.ts";
import { cardSender } from "../../src/slack/card-sender.ts";
import { chartSender } from "../../src/slack/chart-sender.ts";
import { identifier } from "../../src/slack/identity.ts";
import { slackSenders } from "../../src/slack/sender.ts";
import { smallPlan } from "./small-plan.ts";
import { HighWater } from "../../src/engine/high-water.ts";
import { engineVersion } from "../../src/engine/lease.ts";

export type Office = Awaited<ReturnType<typeof openOffice>>;

/** What stands for a run's chart. */
export const picture = { title: "The run", alt: "Its steps by time", png: Buffer.from("a picture") };

/** A Slack, a mail server and Muster's database, and of Muster only what goes in and out. */
export async function openOffice() {
  const time = new LabTime(1);
  const log = new RequestLog(time.clock);
  time.watch(log);
  const addresses = await claimAddresses();
  const host = addresses.host(1);
  const database = await openMusterDatabase(addresses, { migrated: true });
  const slack = await openSlack({
    log,
    clock: time.clock,
    host,
    persons: [
      ...persons.map((person) => ({ ...person })),
      { id: "U08", name: "hal", email: "hal@example.com", bot: true },
      { id: "U09", name: "out", email: "out@other.example", team: "T99" },
      { id: "U10", name: "zoe", email: "zoe@example.com" },
    ],
    commands: ["/muster", "/failover"],
  });
  const mail = await openMail({ log, clock: time.clock, host });
  const activity = new Activity();
  time.count(activity);
  const db = openDb(database.url, { max: 10, leaseMs: 4000, statementTimeoutMs: 1500, activity });
  await time.bind(database.url);

  const settings = { botToken: slack.botToken, appToken: slack.appToken, apiUrl: slack.apiUrl };
  const client = makeSlack(settings);
  const logged: string[] = [];
  const note = (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const clients = makeClients({
    clusters: {},
    guard: { user: "muster", password: "", ssl: "disable" as const },
    connectTimeoutMs: 1000,
    resolvers: [],
    publicResolvers: [],
    dnsPort: 5353,
  });
  const ctx: Context = {
    estate: parseEstate(labEstate({ replicas: 3, stabilitySeconds: 60 }), "estate.yaml"),
    db,
    clock: time.clock,
    activity,
    clients,
    engineVersion,
    highWater: new HighWater(),
    leaseMs: 4000,
    callTimeoutMs: 2000,
    now: () => time.clock.now(),
    newId: () => crypto.randomUUID(),
    random: () => 0.5,
    worker: "office",
    point: () => Promise.resolve(),
    log: { debug: () => undefined, info: () => undefined, warn: note, error: note },
    redact: (text) => text,
    secret: () => "",
    ring: () => Promise.resolve(),
    steps: new Map(),
    brokenClaims: () => Promise.resolve([]),
    senders: new Map([
      ...slackSenders(client),
      chartSender(client, (_ctx, runId) => Promise.resolve({ ...picture, fileName: `${runId}.png` })),
      ["mail", openMailSender({ url: mail.url, from: "muster@example.com" })],
    ]),
  };

  const calls: Call[] = [];
  const presses: Press[] = [];
  let answer: (call: Call) => Promise<Reply> = (call) => Promise.resolve({ lines: [`heard ${call.words.join(" ")}`] });
  const command = (name: string): Command => ({
    name,
    usage: `/${name}`,
    summary: `Does ${name}.`,
    run(_ctx, call) {
      calls.push(call);
      return answer(call);
    },
  });
  const commands = [command("failover"), command("runs")];
  const press = (_ctx: Context, pressed: Press): Promise<Reply> => {
    presses.push(pressed);
    return Promise.resolve({ lines: [`noted ${pressed.verb} by ${pressed.person}`] });
  };
  const sources = { preview: () => undefined, report: () => Promise.resolve(["Customers were away for 4 minutes."]) };
  const cards = cardSender(client, sources);
  const open = {
    outbox: startOutbox(ctx, { cards }),
    inbox: startInbox(ctx, { commands, press, identify: identifier(client) }),
  };
  let app: SlackApp | undefined;

  return {
    ctx,
    cards,
    slack,
    mail,
    database,
    time,
    log,
    client,
    logged,
    calls,
    presses,
    /** Sets what the commands answer. */
    answers: (with_: typeof answer) => void (answer = with_),
    /** Connects to Slack and waits for its greeting. */
    async listen({ connections = 1, ...options }: { connections?: number; silenceMs?: number } = {}) {
      app = await openSlackApp(ctx, client, { commands, connections, ...options });
      await eventually(() => (app?.connected ?? 0) >= connections || undefined);
      return app;
    },
    /** Stops taking messages out, and starts again. */
    async stopOutbox() {
      await open.outbox.stop();
    },
    startOutbox() {
      open.outbox = startOutbox(ctx, { cards });
    },
    async close() {
      await app?.close();
      await open.inbox.stop();
      await open.outbox.stop();
      await clients.close();
      await db.destroy();
      await time.close();
      await Promise.all([slack.close(), mail.close(), database.close()]);
      await addresses.release();
    },
  };
}

/** Waits until there is something to see, in wall time. @throws Error when there never is */
export async function eventually<T>(
  look: () => T | undefined | Promise<T | undefined>,
  milliseconds = 40_000,
): Promise<T> {
  const until = performance.now() + milliseconds;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (performance.now() > until) throw new Error("it never came");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Proposes a run of the small plan. */
export async function proposeRun(office: Office, id = "r1", plan: Plan = smallPlan): Promise<void> {
  const place = { kind: "slack", channel: "C01" } as const;
  await insertRun(office.ctx.db, {
    id,
    job: "failover",
    plan,
    facts: {},
    planHash: "abcdef0123456789",
    by: "ana",
    place,
    channel: "#incident-response",
    reason: "us-east-1 is dark <!channel>",
  });
  // Nobody drives runs here.
  await sql`update muster.run set next_wake_at = null`.execute(office.ctx.db);
}

/** Puts lines into a run's thread, in order. */
export async function say(office: Office, lines: string[], id = "r1"): Promise<void> {
  for (const line of lines) {
    await putOut(office.ctx.db, {
      thread: `run:${id}`,
      dedupeKey: `${id}:${line.slice(0, 50)}`,
      payload: { lines: [line] },
    });
  }
  wakeOutbox();
}

/** What stands under a run's card in a channel, oldest first. */
export function threadOf({ slack }: Office, channel = "C01"): string[] {
  const card = slack.messages(channel)[0];
  return card
    ? slack
        .thread(channel, card.ts)
        .slice(1)
        .map((message) => message.text)
    : [];
}

/**
 * Works as a process that is frozen at a point of its way: the first that is the one, by its name and its number. The wake-up's
 * promise is kept when it is through.
 */
export async function freeze<T>(
  { ctx }: Office,
  isThere: (name: string, passed: number) => boolean,
  work: (ctx: Context) => Promise<T>,
): Promise<{ at: string; wake: () => Promise<T> }> {
  const { promise: at, resolve: arrive } = Promise.withResolvers<string>();
  const { promise: woken, resolve: wake } = Promise.withResolvers<void>();
  let passed = 0;
  const point = (name: string) => {
    passed += 1;
    if (!isThere(name, passed)) return Promise.resolve();
    arrive(name);
    return woken;
  };
  const through = work({ ...ctx, point });
  const wakeUp = () => {
    wake();
    return through;
  };
  return { at: await Promise.race([at, through.then(() => "the end")]), wake: wakeUp };
}

/** What a process has in hand, and does not keep, is free after a while on the wall: that while is over. */
export async function timeIsOver({ ctx }: Office): Promise<void> {
  await sql`
    with card as (update muster.card set taken_until = clock_timestamp() where taken_until is not null)
    update muster.outbox set taken_until = clock_timestamp() where taken_until is not null`.execute(ctx.db);
}
