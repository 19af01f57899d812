import { sql } from "kysely";
import { insertRun } from "../../jobs/propose/insert-run.ts";
import { makeClients } from "../../src/adapters/clients.ts";
import { Activity } from "../../src/activity.ts";
import type { Context } from "../../src/context.ts";
import { openDb } from "../../src/db/connect.ts";
import { UserError } from "../../src/errors.ts";
import { parseEstate } from "../../src/estate-file.ts";
import { claimAddresses } from "../../src/lab/address.ts";
import { labEstate, statusPage as labPage } from "../../src/lab/estate.ts";
import { openMusterDatabase } from "../../src/lab/postgres.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { openStatusPage } from "../../src/lab/statuspage.ts";
import { LabTime } from "../../src/lab/time.ts";
import { startOutbox, type Outbox } from "../../src/outbox/outbox.ts";
import { putOut } from "../../src/outbox/put.ts";
import { wakeOutbox } from "../../src/outbox/wake.ts";
import { statusAnnouncements } from "../../src/statuspage/announcements.ts";
import { sendToStatusPage } from "../../src/statuspage/sender.ts";
import type { StatusUpdate } from "../../src/statuspage/update.ts";
import { smallPlan } from "../slack/small-plan.ts";
import { HighWater } from "../../src/engine/high-water.ts";
import { engineVersion } from "../../src/engine/lease.ts";

export const { basket, payment, newsletter } = labPage.components;

export type Desk = Awaited<ReturnType<typeof openDesk>>;
export type Point = Context["point"];

const nothing = () => undefined;

const announcements = statusAnnouncements({
  page: labPage.page,
  components: [basket, payment],
  mode: "ungraceful",
  proofs: { dataReady: [], served: [], held: [] },
});

/** What a run says of a lost region on one occasion. */
function update(on: string, nth = 0): StatusUpdate {
  const said = announcements.filter((one) => one.on.kind === on)[nth]?.payload.statusPage;
  if (!said) throw new Error(`nothing is said on "${on}"`);
  return said;
}

export const investigating = update("started");
export const [identified, monitoring, resolved] = [update("done"), update("done", 1), update("done", 2)];
export const [parked, stopped] = [update("parked"), update("ended")];

/** A status page and Muster's database, and of Muster only what takes messages to the page. */
export async function openDesk() {
  const time = new LabTime(1);
  const log = new RequestLog(time.clock);
  time.watch(log);
  const addresses = await claimAddresses();
  const database = await openMusterDatabase(addresses, { migrated: true });
  const page = await openStatusPage({ log, clock: time.clock, host: addresses.host(1) });
  const db = openDb(database.url, { max: 10, leaseMs: 4000 });
  await time.bind(database.url);
  const clients = makeClients({
    statusPageUrl: page.url,
    clusters: {},
    guard: { user: "muster", password: "", ssl: "disable" as const },
    connectTimeoutMs: 1000,
    resolvers: [],
    publicResolvers: [],
    dnsPort: 5353,
  });
  const logged: string[] = [];
  const note = (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`);
  const secrets = new Map([["STATUSPAGE_TOKEN", page.token]]);
  let workers = 0;
  let runs = 0;

  const makeContext = (point: Point): Context => ({
    estate: parseEstate(labEstate({ replicas: 3, stabilitySeconds: 60 }), "estate.yaml"),
    db,
    clock: time.clock,
    activity: new Activity(),
    clients,
    engineVersion,
    highWater: new HighWater(),
    leaseMs: 4000,
    callTimeoutMs: 700,
    now: () => time.clock.now(),
    newId: () => crypto.randomUUID(),
    random: () => 0.5,
    worker: `desk-${(workers += 1)}`,
    point,
    log: { debug: nothing, info: nothing, warn: note, error: note },
    redact: (text) => text,
    secret(reference) {
      const secret = "env" in reference ? secrets.get(reference.env) : undefined;
      if (secret !== undefined) return secret;
      throw new UserError({ happened: "The token is not there.", means: "Nothing was done.", todo: "Provide it." });
    },
    ring: () => Promise.resolve(),
    steps: new Map(),
    brokenClaims: () => Promise.resolve([]),
    senders: new Map([["statuspage", sendToStatusPage]]),
  });
  const outboxes: Outbox[] = [];
  // Time jumps to whoever wants to wake next: here somebody does every second, so that nobody is overtaken by an hour.
  const ticking = new AbortController();
  const ticks = (async () => {
    while (!ticking.signal.aborted) await time.clock.sleep(1, ticking.signal).catch(nothing);
  })();

  return {
    time,
    log,
    page,
    db,
    secrets,
    logged,
    /** Starts a process that takes messages out. Returns how to stop it, and how to give up one that is frozen for ever. */
    start(point: Point = () => Promise.resolve()) {
      const ctx = makeContext(point);
      const forget = time.count(ctx.activity);
      const outbox = startOutbox(ctx);
      outboxes.push(outbox);
      return {
        async stop() {
          await outbox.stop();
          this.giveUp();
        },
        giveUp() {
          forget();
          outboxes.splice(outboxes.indexOf(outbox), 1);
        },
      };
    },
    /** Ends all processes, and makes the page and the outbox as they were at first. */
    async clear() {
      await Promise.all(outboxes.splice(0).map((outbox) => outbox.stop()));
      await sql`delete from muster.outbox`.execute(db);
      await sql`delete from muster.turn`.execute(db);
      page.edit(() => []);
      for (const { id } of page.components()) page.setComponent(id, "operational");
      Object.assign(page.knobs, { down: false, readLagSeconds: 0, errorRate: 0, tokenRefused: false });
      secrets.set("STATUSPAGE_TOKEN", page.token);
      log.all.length = 0;
      logged.length = 0;
    },
    /** Proposes one more run, of which something can be said, and returns its id. Nobody drives it, draws its card or mails of it. */
    async another(): Promise<string> {
      const id = `fo-${(runs += 1)}`;
      const place = { kind: "slack", channel: "C01" } as const;
      const planHash = "abcdef0123456789";
      const channel = "#incident-response";
      await insertRun(db, { id, job: "failover", plan: smallPlan, facts: {}, planHash, by: "ana", place, channel });
      await sql`update muster.run set next_wake_at = null`.execute(db);
      await sql`delete from muster.card`.execute(db);
      await sql`delete from muster.outbox where thread like 'mail:%'`.execute(db);
      return id;
    },
    /** Puts updates of a run into the outbox, in order. */
    async says(id: string, ...updates: StatusUpdate[]) {
      for (const [index, update] of updates.entries()) {
        const payload = { lines: [update.body], statusPage: update, runId: id };
        await putOut(db, { thread: `statuspage:${id}`, dedupeKey: `${id}:${update.body}:${index}`, payload });
      }
      wakeOutbox();
    },
    /** Ends a run as one that was undone. */
    async endsRun(id: string) {
      await sql`update muster.run set state = 'cancelled', outcome = 'cancelled', ended_at = muster.now() where id = ${id}`.execute(
        db,
      );
    },
    /** How the updates of a run ended, in order, and why. */
    async ends(id: string) {
      const { rows } = await sql<{ state: string; because: string | null }>`
        select state, because from muster.outbox where thread = ${`statuspage:${id}`} order by seq`.execute(db);
      return rows;
    },
    /** Lets time pass until every update of a run went out or is parked. */
    async settled(id: string, withinSeconds = 600) {
      const isSettled = async () => (await this.ends(id)).every(({ state }) => state === "sent" || state === "parked");
      await time.until("the updates are settled", isSettled, withinSeconds);
      return this.ends(id);
    },
    /** What people read of it, in the run's thread. */
    async thread(id: string): Promise<string[]> {
      const { rows } = await sql<{ line: string }>`
        select payload -> 'lines' ->> 0 as line from muster.outbox where thread = ${`run:${id}`} order by seq`.execute(
        db,
      );
      return rows.map(({ line }) => line);
    },
    /** What customers read: the status and the words of each update, the oldest first, of all incidents. */
    told: () =>
      page
        .incidents()
        .toReversed()
        .flatMap(({ incident_updates: updates }) => updates.toReversed().map(({ status, body }) => ({ status, body }))),
    async close() {
      ticking.abort();
      await Promise.all([ticks, ...outboxes.map((outbox) => outbox.stop())]);
      await clients.close();
      await db.destroy();
      await time.close();
      await Promise.all([page.close(), database.close()]);
      await addresses.release();
    },
  };
}
