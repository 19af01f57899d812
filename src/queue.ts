import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
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
const worker = {
  autorun: false,
  lockDuration: 15_000,
  stalledInterval: 5_000,
  maxStalledCount: 1_000,
  concurrency: 20,
};

/** How long a queue that could not be opened is left alone at most, in wall milliseconds. */
const longestPauseMs = 10_000;

/** Opens the doorbell. Rings are answered in this process only when `onRing` is given. */
export function openQueue({ redis, databaseUrl, onRing, log, name = "muster-wake" }: QueueOptions): Doorbell {
  const answer = async ({ data }: { data: unknown }) => {
    await onRing?.((data as { runId: string }).runId);
  };
  // An error event that nobody hears would end the process. Nothing else is to be done: the sweep does without.
  let toldAt = -Infinity;
  const tell = (error: unknown) => {
    if (performance.now() - toldAt < 10_000) return;
    toldAt = performance.now();
    log.warn({ error: messageOf(error) }, "the queue is in trouble; due runs are found by the sweep");
  };
  const queueOptions = { defaultJobOptions: job, streams: { events: { maxLen: 100 } } };
  const ringing = openEnd(tell, () => {
    const line = redis && openLine(redis, failsFast);
    const end = line
      ? new Queue(name, { ...queueOptions, connection: line.client })
      : new Queue(name, { ...queueOptions, connection: postgres(databaseUrl, 1) }, createPostgresBackend);
    return { end, line };
  });
  const openWorker = () => {
    const line = redis && openLine(redis, waitsForEver);
    const end = line
      ? new Worker(name, answer, { ...worker, connection: line.client })
      : new Worker(name, answer, { ...worker, connection: postgres(databaseUrl, 2) }, createPostgresBackend);
    return { end, line };
  };
  const answering = onRing ? [openEnd(tell, openWorker, (ready) => void ready.run().catch(tell))] : [];

  let answers = true;
  const add = async (runId: string) => {
    try {
      // A new id for every ring: one that waits under the same id would swallow it. A colon in it would throw.
      await withinMs(answersWithinMs, ringing.current().add("wake", { runId }, { jobId: `wake_${randomUUID()}` }));
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
      await Promise.all([...answering, ringing].map((each) => each.close()));
    },
  };
}

/** What BullMQ's queues and workers have in common here. */
type End = {
  on(event: "error", listener: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
};
type Made<Kind> = { end: Kind; line: RedisLine | undefined };

/**
 * Opens one end of the queue, and another in its place for as long as the first look at its server fails: tables or a right are
 * missing, or no connection is left. BullMQ remembers such a failure for good, and a worker that runs with it asks again
 * without a pause, so that nothing else in the process has its turn: one runs only once it is ready.
 */
function openEnd<Kind extends End>(
  tell: (error: unknown) => void,
  make: () => Made<Kind>,
  onReady: (end: Kind) => void = () => undefined,
): { current(): Kind; close(): Promise<void> } {
  const over = new AbortController();
  const open = () => {
    const made = make();
    made.end.on("error", tell);
    return made;
  };
  const shut = async ({ end, line }: Made<Kind>) => {
    // In Postgres one that was closed before it is ready opens a connection all the same, and nobody would end that.
    const settled = line ? Promise.resolve() : end.waitUntilReady().catch(() => undefined);
    await withinMs(
      answersWithinMs,
      settled.then(() => end.close()),
    ).catch(tell);
    line?.hangUp();
  };
  let current = open();
  const becomeReady = async () => {
    for (let pauseMs = 1_000; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
      try {
        await current.end.waitUntilReady();
        if (!over.signal.aborted) onReady(current.end);
        return;
      } catch (error) {
        if (over.signal.aborted) return;
        tell(error);
      }
      await shut(current);
      // Told to close, it ends at once.
      await setTimeout(pauseMs, undefined, { signal: over.signal });
      current = open();
    }
  };
  becomeReady().catch((error: unknown) => {
    if (!over.signal.aborted) tell(error);
  });
  return {
    current: () => current.end,
    close: () => {
      over.abort();
      return shut(current);
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
  // One that waits for a server that does not answer would keep the process.
  connectionTimeoutMillis: 5_000,
  ...keptAlive,
  Client: HeardClient,
});

async function withinMs<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const timer = globalThis.setTimeout(() => reject(new Error(`no answer in ${milliseconds} ms`)), milliseconds);
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
