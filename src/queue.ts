import { randomUUID } from "node:crypto";
import { createPostgresBackend, Queue, Worker } from "bullmq";
import type { Log } from "./call.ts";
import { HeardClient, keptAlive } from "./db/connect.ts";
import type { QueueSeen } from "./doctor/check.ts";
import { messageOf } from "./errors.ts";
import {
  answersWithinMs,
  failsFast,
  lookAtRedis,
  openLine,
  waitsForEver,
  type RedisLine,
  type RedisPlace,
} from "./queue-redis.ts";

/** The doorbell: it carries run ids, and losing every one of them costs a second, not a run. */
export type Doorbell = {
  /**
   * Rings the workers for a run. Never throws, and waits two seconds at most, or not at all while rings are not answered:
   * the sweep comes by anyway.
   */
  ring(runId: string): Promise<void>;
  close(): Promise<void>;
};

export type QueueOptions = {
  /** Redis, where there is one. */
  redis?: RedisPlace | undefined;
  /** Muster's Postgres, which rings where there is no Redis. */
  databaseUrl: string;
  /** Answers a ring. It resolves when the run is leased, not when it rests: no job waits for a person or a timer. */
  onRing?: (runId: string) => Promise<void>;
  log: Log;
  /** Keeps several Musters apart that share one Redis. */
  name?: string;
};

/** The schema of BullMQ's tables in Muster's Postgres. */
const schema = "muster_queue";

/** Retries live in the journal; and a job id that is kept would silently swallow the next ring. */
const job = { attempts: 1, removeOnComplete: true, removeOnFail: true };
/** A crash loop must not kill the doorbell; a dead worker's job is rung again after about 12 s. */
const worker = { lockDuration: 15_000, stalledInterval: 5_000, maxStalledCount: 1_000, concurrency: 20 };

/** Opens the doorbell. Rings are answered in this process only when `onRing` is given. */
export function openQueue({ redis, databaseUrl, onRing, log, name = "muster-wake" }: QueueOptions): Doorbell {
  const answer = async ({ data }: { data: unknown }) => {
    await onRing?.((data as { runId: string }).runId);
  };
  const queueOptions = { defaultJobOptions: job, streams: { events: { maxLen: 100 } } };
  const lines: RedisLine[] = [];
  const lineTo = (place: RedisPlace, options: Parameters<typeof openLine>[1]) => {
    const line = openLine(place, options);
    lines.push(line);
    return line.client;
  };
  const queue = redis
    ? new Queue(name, { ...queueOptions, connection: lineTo(redis, failsFast) })
    : new Queue(name, { ...queueOptions, connection: postgres(databaseUrl, 1) }, createPostgresBackend);
  const workers = !onRing
    ? []
    : redis
      ? [new Worker(name, answer, { ...worker, connection: lineTo(redis, waitsForEver) })]
      : [new Worker(name, answer, { ...worker, connection: postgres(databaseUrl, 2) }, createPostgresBackend)];

  // An error event that nobody hears would end the process. Nothing else is to be done: the sweep does without.
  let toldAt = -Infinity;
  const tell = (error: unknown) => {
    if (performance.now() - toldAt < 10_000) return;
    toldAt = performance.now();
    log.warn({ error: messageOf(error) }, "the queue is in trouble; due runs are found by the sweep");
  };
  queue.on("error", tell);
  for (const each of workers) each.on("error", tell);

  let answers = true;
  const add = async (runId: string) => {
    try {
      // A new id for every ring: one that waits under the same id would swallow it. A colon in it would throw.
      await withinMs(answersWithinMs, queue.add("wake", { runId }, { jobId: `wake_${randomUUID()}` }));
      answers = true;
    } catch (error) {
      answers = false;
      tell(error);
    }
  };
  return {
    ring: async (runId) => {
      const adding = add(runId);
      // Who decides something does not wait again for what did not answer the last time.
      if (answers) await adding;
    },
    close: async () => {
      const closing = Promise.all([...workers.map((each) => each.close()), queue.close()]);
      await withinMs(answersWithinMs, closing).catch(tell);
      for (const line of lines) line.hangUp();
    },
  };
}

/** Makes or updates the queue's own tables in Muster's Postgres. Nothing else ever does. */
export async function migrateQueue(databaseUrl: string): Promise<void> {
  const connection = { ...postgres(databaseUrl, 1), migrate: true };
  const queue = new Queue("muster-wake", { connection, skipMetasUpdate: true }, createPostgresBackend);
  try {
    await queue.waitUntilReady();
  } finally {
    await queue.close();
  }
}

const postgres = (connectionString: string, max: number) => ({
  connectionString,
  schema,
  max,
  ...keptAlive,
  Client: HeardClient,
});

async function withinMs<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer in ${milliseconds} ms`)), milliseconds);
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Looks at what keeps the queue, and changes nothing there.
 * @throws Error when it does not answer in so many wall milliseconds, or Postgres lacks the queue's tables.
 */
export function lookAtQueue({ redis, databaseUrl, within }: QueuePlace & { within: number }): Promise<QueueSeen> {
  return withinMs<QueueSeen>(within, redis ? lookAtRedis(redis) : lookAtPostgres(databaseUrl));
}

type QueuePlace = Pick<QueueOptions, "redis" | "databaseUrl">;

async function lookAtPostgres(databaseUrl: string) {
  const options = { skipMetasUpdate: true, connection: postgres(databaseUrl, 1) };
  const queue = new Queue("muster-wake", options, createPostgresBackend);
  queue.on("error", () => undefined);
  try {
    await queue.waitUntilReady();
    return { kind: "Postgres" as const, version: "in Muster's database" };
  } finally {
    await queue.close();
  }
}
