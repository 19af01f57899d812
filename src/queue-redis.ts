import { readFileSync } from "node:fs";
import { rootCertificates, type ConnectionOptions } from "node:tls";
import { Redis } from "ioredis";
import type { Config } from "./settings.ts";
import type { QueueSeen } from "./doctor/check.ts";
import { UserError } from "./errors.ts";
import { explainAs } from "./facts/explain.ts";

/** Sentinels know which of several Redis servers is the master now. */
export type SentinelPlace = {
  /** host or host:port, each. */
  sentinels: readonly string[];
  /** The name they know it by. */
  master: string;
  user?: string | undefined;
  password?: string | undefined;
  /** What the sentinels themselves ask for. */
  sentinelUser?: string | undefined;
  sentinelPassword?: string | undefined;
  /** Whether they, and the master, are spoken to over TLS. */
  isEncrypted?: boolean;
};

/** Where Redis is: at one address, or where sentinels say. */
export type RedisPlace = ({ url: string } | SentinelPlace) & {
  /** Authorities to trust, as PEM; unset: the usual ones. */
  authorities?: string[] | undefined;
};

/** Finds in the settings where Redis is; undefined where none rings. */
export function redisOf(config: Config): RedisPlace | undefined {
  const { REDIS_URL: url, REDIS_SENTINELS: sentinels, REDIS_MASTER: master = "" } = config;
  const authorities = config.EXTRA_CA_FILE
    ? [...rootCertificates, readFileSync(config.EXTRA_CA_FILE, "utf8")]
    : undefined;
  if (url) return { url, authorities };
  if (!sentinels) return undefined;
  return {
    sentinels,
    master,
    user: config.REDIS_USER,
    password: config.REDIS_PASSWORD,
    sentinelUser: config.REDIS_SENTINEL_USER,
    sentinelPassword: config.REDIS_SENTINEL_PASSWORD,
    isEncrypted: config.REDIS_TLS === "on",
    authorities,
  };
}

/** How long somebody who does not answer is waited for, in wall milliseconds. */
export const answersWithinMs = 2_000;
const portOfSentinels = 26_379;

/** A producer that cannot reach Redis is to say so, not to wait; a connection that stays silent is given up. */
export const failsFast = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  commandTimeout: answersWithinMs,
  socketTimeout: 5_000,
};
/** The longest blocking read takes 10 s. */
export const waitsForEver = { maxRetriesPerRequest: null, socketTimeout: 15_000 };

/** Says to the client how to reach Redis, again and again: after a failover it asks the sentinels anew. */
function connectionTo(place: RedisPlace, options: typeof failsFast | typeof waitsForEver) {
  return {
    ...addressOf(place),
    ...options,
    connectTimeout: answersWithinMs,
    // The queue's own would wait 20 s in the end, and ring nobody while Redis is back.
    retryStrategy: (times: number) => Math.min(times * 250, 2_000),
    // After a failover the old master answers that it may not write, or is still loading: go and find the new one.
    reconnectOnError: ({ message }: Error) => /^(READONLY|LOADING)/.test(message),
  };
}

export type RedisLine = {
  client: Redis;
  /** Ends the client and all that were made of it, whether or not Redis answers; none of them comes back. */
  hangUp(): void;
};

/**
 * Opens a client for a queue, which makes more of it. A queue that is told to close waits for Redis to answer, for ever where
 * that hangs or is gone, and its clients keep the process: so they are ended here.
 *
 * @see https://github.com/taskforcesh/bullmq/issues/4656
 */
export function openLine(place: RedisPlace, options: typeof failsFast | typeof waitsForEver): RedisLine {
  const { url = "", ...rest } = { url: undefined, ...connectionTo(place, options) };
  const clients: Redis[] = [];
  let isOver = false;
  class Line extends Redis {
    override connect(...then: Parameters<Redis["connect"]>): Promise<void> {
      return isOver ? Promise.reject(new Error("Connection is closed.")) : super.connect(...then);
    }
    override disconnect(reconnect = false): void {
      // One that waits for its next try has no socket whose end could tell of its own: it is as one never connected.
      if (!reconnect && this.status === "reconnecting") this.status = "wait";
      super.disconnect(reconnect);
    }
    override duplicate(more?: Parameters<Redis["duplicate"]>[0]): Redis {
      return open(more?.connectionName);
    }
  }
  const open = (connectionName?: string): Redis => {
    const named = connectionName === undefined ? rest : { ...rest, connectionName };
    const client = url ? new Line(url, named) : new Line(named);
    // The queue listens too, but no longer than it is open.
    client.on("error", () => undefined);
    clients.push(client);
    return client;
  };
  return {
    client: open(),
    hangUp: () => {
      isOver = true;
      for (const client of clients) client.disconnect();
    },
  };
}

function addressOf(place: RedisPlace) {
  if ("url" in place) {
    const { url, authorities: ca } = place;
    return { url, ...(ca && url.startsWith("rediss:") ? { tls: { ca } } : {}) };
  }
  const tls = tlsOf(place);
  return {
    sentinels: place.sentinels.map(readSentinel),
    name: place.master,
    ...(place.user === undefined ? {} : { username: place.user }),
    ...(place.password === undefined ? {} : { password: place.password }),
    ...(place.sentinelUser === undefined ? {} : { sentinelUsername: place.sentinelUser }),
    ...(place.sentinelPassword === undefined ? {} : { sentinelPassword: place.sentinelPassword }),
    ...(tls === undefined ? {} : { enableTLSForSentinelMode: true, tls, sentinelTLS: tls }),
    sentinelCommandTimeout: answersWithinMs,
  };
}

const tlsOf = ({ isEncrypted, authorities: ca }: SentinelPlace & RedisPlace): ConnectionOptions | undefined =>
  isEncrypted ? (ca ? { ca } : {}) : undefined;

/** 10.0.0.2, 10.0.0.2:26379, sentinel-1, sentinel-1:26379, ::1 or [::1]:26379. */
function readSentinel(text: string): { host: string; port: number } {
  const [, bracketed, named, port = portOfSentinels] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  return { host: bracketed ?? named ?? text, port: Number(port) };
}

/** Looks at Redis, and at the sentinels that name it. @throws Error when it cannot be reached, or is not known. */
export async function lookAtRedis(place: RedisPlace): Promise<QueueSeen> {
  const looked = "url" in place ? undefined : await lookAtSentinels(place);
  // Only those that answered: a client waits for each of the others in turn.
  const known = looked ? { ...place, sentinels: looked.answering } : place;
  const { url = "", ...options } = { url: undefined, ...connectionTo(known, failsFast) };
  const trying = { ...options, lazyConnect: true, ...triesOnce };
  const client = url ? new Redis(url, trying) : new Redis(trying);
  const info = await askOnce(client, () => client.info());
  return { kind: "Redis", ...readInfo(info), ...(looked ? { sentinels: looked.seen } : {}) };
}

type SentinelsLook = { answering: string[]; seen: NonNullable<QueueSeen["sentinels"]> };

async function lookAtSentinels(place: SentinelPlace & RedisPlace): Promise<SentinelsLook> {
  const { sentinels, master } = place;
  const looks = await Promise.all(sentinels.map((one) => lookAtSentinel(place, one)));
  const faults = looks.flatMap((look) => ("fault" in look ? [look.fault] : []));
  const answers = looks.flatMap((look) => ("fault" in look ? [] : [look]));
  const nothing = { means: "The queue does not ring.", todo: "Look at REDIS_SENTINELS and REDIS_MASTER." };
  if (answers.length === 0)
    throw new UserError({ happened: `No sentinel tells where Redis is: ${faults.join("; ")}.`, ...nothing });
  if (!answers.some(({ knows }) => knows))
    throw new UserError({
      happened: `The sentinels know no master by the name of REDIS_MASTER, "${master}".`,
      ...nothing,
    });
  const cannotAgree = !answers.some(({ agree }) => agree);
  return {
    answering: answers.filter(({ knows }) => knows).map(({ sentinel }) => sentinel),
    seen: { asked: sentinels.length, faults, ...(cannotAgree ? { cannotAgree } : {}) },
  };
}

type SentinelLook = { fault: string } | { sentinel: string; knows: boolean; agree: boolean };

/** Asks one sentinel whether it knows the master, and whether enough of them are there to put another in its place. */
async function lookAtSentinel(place: SentinelPlace & RedisPlace, sentinel: string): Promise<SentinelLook> {
  const tls = tlsOf(place);
  const client = new Redis({
    ...readSentinel(sentinel),
    ...(place.sentinelUser === undefined ? {} : { username: place.sentinelUser }),
    ...(place.sentinelPassword === undefined ? {} : { password: place.sentinelPassword }),
    ...(tls === undefined ? {} : { tls }),
    ...failsFast,
    connectTimeout: answersWithinMs,
    // A sentinel has no data to be ready with.
    enableReadyCheck: false,
    lazyConnect: true,
    ...triesOnce,
  });
  try {
    return await askOnce(client, async () => {
      const address = await client.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", place.master);
      if (!Array.isArray(address)) return { sentinel, knows: false, agree: false };
      const quorum = client.call("SENTINEL", "CKQUORUM", place.master);
      return { sentinel, knows: true, agree: await quorum.then(() => true).catch(isQuorumMissing) };
    });
  } catch (error) {
    return { fault: explainAs(sentinel)(error) };
  }
}

function isQuorumMissing(error: unknown): false {
  if (error instanceof Error && error.message.startsWith("NOQUORUM")) return false;
  throw error;
}

/** By itself a client would try for ever, and keep the process. */
const triesOnce = { retryStrategy: () => null, sentinelRetryStrategy: () => null };

async function askOnce<T>(client: Redis, ask: () => Promise<T>): Promise<T> {
  // Why it cannot connect is told by this event, and not by what the try throws.
  let said: Error | undefined;
  client.on("error", (error: Error) => (said = error));
  try {
    await client.connect();
    return await ask();
  } catch (error) {
    throw said ?? error;
  } finally {
    client.disconnect();
  }
}

/** Reads what matters of Redis's INFO: lines of `name:value`. */
function readInfo(info: string): { version: string; evicts?: string; follows?: true } {
  const valueOf = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
  const policy = valueOf("maxmemory_policy");
  return {
    version: `Redis ${valueOf("redis_version") ?? "of an unknown version"}`,
    ...(policy === undefined || policy === "noeviction" ? {} : { evicts: policy }),
    ...(valueOf("role") === "slave" ? { follows: true as const } : {}),
  };
}
