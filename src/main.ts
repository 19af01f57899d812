import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { commands } from "../commands/index.ts";
import { press } from "../commands/runs.ts";
import { jobs } from "../jobs/index.ts";
import { brokenClaims } from "../jobs/propose/propose.ts";
import { makeClients } from "./adapters/clients.ts";
import { kubeconfigSecrets } from "./adapters/kubeconfig-secrets.ts";
import { isTrouble } from "./adapters/trouble.ts";
import { whyUnreachable } from "./adapters/unreachable.ts";
import { Breakers } from "./breaker.ts";
import { Activity } from "./activity.ts";
import type { Log } from "./call.ts";
import { Clock } from "./clock.ts";
import { readingsOf, secretReader, secretsOf } from "./config.ts";
import type { Config } from "./settings.ts";
import type { Context } from "./context.ts";
import { openAhead, openDb, readClock } from "./db/connect.ts";
import { encryptionOf } from "./db/encryption.ts";
import { assertMigrated } from "./db/migrate.ts";
import { openDriver, type Driver } from "./engine/drive.ts";
import { HighWater } from "./engine/high-water.ts";
import { engineVersion } from "./engine/lease.ts";
import { openSweep } from "./engine/sweep.ts";
import { messageOf, UserError } from "./errors.ts";
import type { Estate } from "./estate.ts";
import { loadEstate, readEstate } from "./estate-file.ts";
import { HostClock } from "./host-clock.ts";
import { openHttp } from "./http.ts";
import { openMetrics } from "./metrics/open.ts";
import { startInbox } from "./inbox/inbox.ts";
import { openLog } from "./log.ts";
import { startOutbox } from "./outbox/outbox.ts";
import { openQueue } from "./queue.ts";
import { redisOf } from "./queue-redis.ts";
import { makeRedactor } from "./redact.ts";
import { openMailSender, openSlackFront } from "./slack/front.ts";
import { sendToStatusPage } from "./statuspage/sender.ts";
import { steps } from "./steps/index.ts";
import { hearFirst } from "./watch/first-hearing.ts";
import { startWatches } from "./watch/index.ts";

/** What a test or a lab may bring along; product code never asks which it is. */
export type Overrides = Partial<
  Pick<Context, "clock" | "point" | "random" | "activity" | "worker" | "engineVersion">
> & {
  env?: Record<string, string | undefined>;
  log?: Log;
  /** This host's own clock. */
  wallNow?: () => Date;
  /** Where the log goes, when not to standard error. */
  logTo?: { write(line: string): void };
};

export type OpenContext = {
  ctx: Context;
  driver: Driver;
  /** Reads the estate again. @throws UserError when it has a fault; the old one stays in force. */
  reload: () => void;
  close: () => Promise<void>;
};

/**
 * Builds the context of a process from its settings: reads the estate, connects to the database, makes the clients.
 * Changes nothing. Whoever has it can run commands and drive runs; `close` hands over what it drives.
 *
 * @throws UserError when the settings, the estate or the database's tables are not as they must be.
 */
export async function openContext(config: Config, overrides: Overrides = {}): Promise<OpenContext> {
  const opened = composeContext(config, loadEstate(config.ESTATE), overrides);
  const { db, clock, redact } = opened.ctx;
  try {
    await assertMigrated(db);
    if (!overrides.clock) clock.set(await readClock(db));
  } catch (error) {
    await opened.close();
    throw databaseAway(error, redact);
  }
  return opened;
}

/** Containers on one machine's network may all be called alike, and each be process 1: what is drawn tells them apart. */
const nameOfWorker = (): string => `${hostname()}:${process.pid}:${randomBytes(3).toString("hex")}`;

/** Puts a context together for an estate. Nothing is connected yet, so nothing is proven: not even that its database answers. */
export function composeContext(config: Config, estate: Estate, overrides: Overrides = {}): OpenContext {
  const env = overrides.env ?? process.env;
  const secrets = new Set(secretsOf(estate, env));
  const learn = (secret: string) => readingsOf(secret).forEach((reading) => secrets.add(reading));
  for (const secret of kubeconfigSecrets(config.KUBECONFIG)) learn(secret);
  const redact = makeRedactor(secrets);
  const log = overrides.log ?? openLog(config.LOG_LEVEL, redact, overrides.logTo);
  const activity = overrides.activity ?? new Activity();
  const leaseMs = config.LEASE_MILLISECONDS;
  const db = openDb(config.DATABASE_URL, { max: 10, leaseMs, activity, log });
  const clock = overrides.clock ?? new Clock();
  const clients = makeClients({
    homeRegion: config.AWS_REGION,
    rdsEndpoint: config.AWS_ENDPOINT_URL_RDS,
    route53Endpoint: config.AWS_ENDPOINT_URL_ROUTE_53,
    stsEndpoint: config.AWS_ENDPOINT_URL_STS,
    statusPageUrl: config.STATUSPAGE_URL,
    s3Endpoint: config.AWS_ENDPOINT_URL_S3,
    extraCa: config.EXTRA_CA_FILE ? readFileSync(config.EXTRA_CA_FILE, "utf8") : undefined,
    kubeconfigFile: config.KUBECONFIG,
    get clusters() {
      return ctx.estate.clusters;
    },
    learnSecret: learn,
    guard: { user: config.GUARD_USER, password: config.GUARD_PASSWORD ?? "", ssl: config.GUARD_SSL },
    connectTimeoutMs: Math.min(2000, config.CALL_TIMEOUT_MILLISECONDS),
    resolvers: config.RESOLVERS ?? [],
    publicResolvers: config.PUBLIC_RESOLVERS,
    dnsPort: config.DNS_PORT,
  });
  const read = secretReader(env);
  const ctx: Context = {
    estate,
    db,
    clock,
    activity,
    log,
    redact,
    breakers: new Breakers({ now: () => clock.now(), log, isTrouble }),
    clients,
    leaseMs,
    now: () => clock.now(),
    newId: () => crypto.randomUUID(),
    random: overrides.random ?? Math.random,
    worker: overrides.worker ?? nameOfWorker(),
    engineVersion: overrides.engineVersion ?? engineVersion,
    highWater: new HighWater(),
    callTimeoutMs: config.CALL_TIMEOUT_MILLISECONDS,
    point: overrides.point ?? (() => Promise.resolve()),
    secret(reference) {
      const secret = read(reference);
      learn(secret);
      return secret;
    },
    ...(config.MUSTER_KEY ? { totpKey: Buffer.from(config.MUSTER_KEY, "base64") } : {}),
    ring: (runId) => driver.answer(runId),
    steps: new Map(steps.map((step) => [step.name, step])),
    brokenClaims: (runId) => brokenClaims(ctx, runId),
    senders: new Map(),
  };
  const driver = openDriver(ctx);
  const close = async () => {
    await driver.stop();
    await clients.close();
    await db.destroy();
  };
  const reload = () => {
    const { estate: again, sha256 } = readEstate(config.ESTATE);
    ctx.estate = again;
    for (const secret of secretsOf(again, env)) secrets.add(secret);
    log.info({ services: Object.keys(again.services).length, sha256 }, "the estate was read again");
  };
  return { ctx, driver, reload, close };
}

/** What is wrong with Muster's own database, where it is something a person can put right. */
export function databaseAway(error: unknown, redact: (text: string) => string): unknown {
  if (error instanceof UserError) return error;
  const why = whyUnreachable(error) ?? `says: ${redact(messageOf(error))}`;
  return new UserError({
    happened: `Muster's database ${why}.`,
    means: "Nothing was done, because nothing can be written down.",
    todo: "Look at DATABASE_URL and at the server it names, then try again.",
  });
}

export type Muster = { ctx: Context; httpPort: number; reload(): void; stop(): Promise<void> };

/**
 * Starts everything a server does: it listens to Slack, answers, drives runs, takes messages out, and keeps watch. Any
 * number may run side by side. `stop` hands over what is under way and returns within a call timeout.
 */
export async function startMuster(config: Config, overrides: Overrides = {}): Promise<Muster> {
  const { ctx, driver, reload, close } = await openContext(config, overrides);
  if (encryptionOf(config.DATABASE_URL) === "clear")
    ctx.log.warn({}, "Muster's database is on another machine and spoken to in clear; muster doctor says what to do");
  const hostClock = new HostClock(ctx.log, overrides.wallNow);
  try {
    hostClock.compare(await readClock(ctx.db));
    hostClock.mustBeRight();
  } catch (error) {
    await close();
    throw databaseAway(error, ctx.redact);
  }
  ctx.hostClock = hostClock;
  const doorDb = openDoorDb(config, ctx);
  ctx.doorDb = doorDb;
  const mail = config.SMTP_URL ? openMailSender({ url: config.SMTP_URL, from: config.MAIL_FROM }) : undefined;
  const slack = config.SLACK_BOT_TOKEN
    ? openSlackFront(ctx, {
        botToken: config.SLACK_BOT_TOKEN,
        appToken: config.SLACK_APP_TOKEN,
        signingSecret: config.SLACK_SIGNING_SECRET,
        apiUrl: config.SLACK_API_URL,
        commands,
      })
    : undefined;
  const metrics = openMetrics(ctx, {
    slackConnections: () => slack?.connected,
    jobs: jobs.map(({ name }) => name),
  });
  ctx.meters = metrics.meters;
  const http = await openHttp(ctx, config.HTTP_PORT, { metrics, slack: slack?.door }).catch(async (error: unknown) => {
    await doorDb.destroy();
    await close();
    throw error;
  });
  ctx.senders = new Map([
    ...(slack?.senders ?? []),
    ...(mail ? [["mail", mail] as const] : []),
    ["statuspage", sendToStatusPage],
  ]);
  const queue = openQueue({
    databaseUrl: config.DATABASE_URL,
    redis: redisOf(config),
    log: ctx.log,
    onRing: (runId) => driver.answer(runId),
  });
  ctx.ring = (runId) => queue.ring(runId);
  ctx.heard = hearFirst(ctx);
  const sweep = openSweep(ctx, driver);
  const outbox = startOutbox(ctx, slack ? { cards: slack.cards } : {});
  const inbox = slack && startInbox(ctx, { commands, press, identify: slack.identify });
  const watches = startWatches(ctx);
  // A connection takes several round trips to open; whoever types first need not wait for them.
  if (slack) await openAhead(doorDb, config.SLACK_DATABASE_CONNECTIONS);
  await slack?.listen();
  // What is slow to load is loaded before somebody needs it.
  for (const name of Object.keys(ctx.estate.clusters)) {
    await clusterPrepared(ctx, name);
  }
  ctx.log.info({ worker: ctx.worker, port: http.port }, "Muster is ready");

  const stop = async () => {
    const doors = Promise.resolve(slack?.close()).then(() => http.close());
    await Promise.all([doors, watches.stop(), sweep.stop(), queue.close()]);
    await inbox?.stop();
    await driver.stop();
    await outbox.stop();
    await doorDb.destroy();
    await close();
  };
  return { ctx, httpPort: http.port, reload, stop };
}

const openDoorDb = ({ DATABASE_URL, SLACK_DATABASE_CONNECTIONS }: Config, { leaseMs, activity, log }: Context) =>
  openDb(DATABASE_URL, { max: SLACK_DATABASE_CONNECTIONS, leaseMs, activity, log, hurries: true });

async function clusterPrepared(ctx: Context, name: string): Promise<void> {
  try {
    await ctx.clients.cluster(name).prepare();
  } catch (error) {
    ctx.log.warn(
      { cluster: name, error: messageOf(error) },
      "a cluster's kubeconfig cannot be used; its looks will say so",
    );
  }
}
