import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { openDb } from "../../src/db/connect.ts";
import { migrate } from "../../src/db/migrate.ts";
import { labEstate } from "../../src/lab/estate.ts";
import { openMusterDatabase, type MusterDatabase } from "../../src/lab/postgres.ts";
import { openRedis } from "../../src/lab/redis.ts";
import { migrateQueue, openQueue, type QueueOptions } from "../../src/queue.ts";
import { run, MusterProcess } from "../terminal/process.ts";
import { quiet, until } from "./engine-lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(180_000);

let database: MusterDatabase;
let folder: string;
let settings: Record<string, string>;
beforeEach(async () => {
  database = await openMusterDatabase();
  folder = await mkdtemp(join(tmpdir(), "muster-queue-start-"));
  const estate = join(folder, "estate.yaml");
  await writeFile(estate, labEstate({ replicas: 1, stabilitySeconds: 60 }));
  settings = { DATABASE_URL: database.url, ESTATE: estate, HTTP_PORT: "0" };
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

/** Muster's own tables, as an older `muster migrate` left them where there was a Redis: none for the queue. */
async function migratedWithoutQueue(): Promise<void> {
  const db = openDb(database.url, { max: 1, leaseMs: 60_000, statementTimeoutMs: 60_000 });
  await migrate(db);
  await db.destroy();
}

const ask = (text: string) => database.server.ask<{ count: number }>("muster", text);
const limitTo = (connections: number) => ask(`alter role muster_app connection limit ${connections}`);
/** Whether a worker of some server waits for rings: its connection has the queue's name. */
const isListening = async () => {
  const rows = await ask("select count(*)::int from pg_stat_activity where application_name = 'muster-wake'");
  return (rows[0]?.count ?? 0) > 0;
};

type Trouble = { name: string; begin(): Promise<unknown>; end(): Promise<unknown> };
const troubles: Trouble[] = [
  {
    name: "has no tables, because a Redis was left out later",
    begin: migratedWithoutQueue,
    end: () => migrateQueue(database.url),
  },
  {
    name: "has no connection left",
    begin: async () => {
      await migratedWithoutQueue();
      await migrateQueue(database.url);
      await limitTo(1);
    },
    end: () => limitTo(-1),
  },
];

describe.each(troubles)("a server whose queue $name at its start", (trouble) => {
  it("answers for its health, listens for rings once that is over, and ends when it is told to", async () => {
    await trouble.begin();
    const server = new MusterProcess(["serve"], settings);
    try {
      const port = await portOf(server);
      await inTrouble(server);
      expect(await health(port)).toBe(200);
      expect(await isListening()).toBe(false);
      await trouble.end();
      await until("it listens for rings", isListening, 60_000);
      await endsWell(server);
    } finally {
      server.kill("SIGKILL");
    }
  });

  it("ends when it is told to, also while that lasts", async () => {
    await trouble.begin();
    const server = new MusterProcess(["serve"], settings);
    try {
      await portOf(server);
      await inTrouble(server);
      await endsWell(server);
    } finally {
      server.kill("SIGKILL");
    }
  });

  it("rings nobody at first, says so, and rings once that is over", async () => {
    await trouble.begin();
    await ringsAfter({ databaseUrl: database.url }, () => trouble.end());
  });
});

describe("a queue whose Postgres takes a connection and says nothing", () => {
  it("holds up a ring for two seconds at most, and keeps nothing open once it is closed", async () => {
    const silent = createServer((socket) => socket.resume().on("error", () => undefined)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const connections = () => promisify(silent.getConnections.bind(silent))();
    try {
      const { port } = silent.address() as AddressInfo;
      const databaseUrl = `postgres://muster:lab@127.0.0.1:${port}/muster`;
      const queue = openQueue({ databaseUrl, log: quiet, onRing: () => Promise.resolve() });
      await until("it tries", async () => (await connections()) > 0);
      const askedAt = performance.now();
      await queue.ring("nobody");
      await queue.close();
      // Two for the ring and two for the end.
      expect(performance.now() - askedAt).toBeLessThan(10_000);
      await until("nothing is open", async () => (await connections()) === 0);
    } finally {
      silent.close();
    }
  });
});

describe("a queue that is closed while it still opens", () => {
  it("keeps nothing open: its process ends by itself", async () => {
    await migratedWithoutQueue();
    await migrateQueue(database.url);
    const options = `{ databaseUrl: "${database.url}", log: { warn() {} }, onRing: async () => {} }`;
    const code = `import { openQueue } from "./src/queue.ts"; await openQueue(${options}).close(); console.log("closed");`;
    const opening = new MusterProcess([], {}, [process.execPath, "--input-type=module", "-e", code]);
    const killing = setTimeout(() => opening.kill("SIGKILL"), 60_000);
    expect(await opening.ended()).toMatchObject({ status: 0, signal: null, out: "closed\n" });
    clearTimeout(killing);
  });
});

describe("a queue in Redis", () => {
  it("whose user lacks a right at the start rings once it has it", async () => {
    await using redis = await openRedis();
    await redis.tell("ACL SETUSER muster on >lab ~* &* +@all -info");
    const url = redis.url.replace("redis://", "redis://muster:lab@");
    // The Redis client says on the console, too, that it lacks it.
    const console = jest.spyOn(globalThis.console, "warn").mockImplementation(() => undefined);
    await ringsAfter({ databaseUrl: database.url, redis: { url } }, () => redis.tell("ACL SETUSER muster +info"));
    console.mockRestore();
  });
});

describe("muster migrate", () => {
  it("makes the queue's tables beside a Redis, too: it may be left out later", async () => {
    const migrated = await run(["migrate"], { ...settings, REDIS_URL: "redis://127.0.0.1:1" });
    expect(migrated).toMatchObject({ status: 0, err: "" });
    expect(
      await ask("select count(*)::int from pg_tables where schemaname = 'muster_queue' and tablename = 'job'"),
    ).toEqual([{ count: 1 }]);
  });
});

async function ringsAfter(place: Pick<QueueOptions, "databaseUrl" | "redis">, end: () => Promise<unknown>) {
  const rung: string[] = [];
  const told: string[] = [];
  const queue = openQueue({
    ...place,
    log: { ...quiet, warn: (_fields, message) => void told.push(message) },
    onRing: (runId) => Promise.resolve(void rung.push(runId)),
  });
  try {
    await queue.ring("lost");
    await until("it is told", () => Promise.resolve(told.length > 0));
    expect(told[0]).toBe("the queue is in trouble; due runs are found by the sweep");
    expect(rung).toEqual([]);
    await end();
    await until(
      "it rings",
      async () => {
        await queue.ring("found");
        return rung.includes("found");
      },
      60_000,
    );
  } finally {
    await queue.close();
  }
}

const portOf = (server: MusterProcess) =>
  until("it is ready", () => Promise.resolve(server.logged.find(({ msg }) => msg === "Muster is ready")?.port), 60_000);

const inTrouble = (server: MusterProcess) =>
  until("the queue's trouble is told", () =>
    Promise.resolve(server.logged.some(({ msg }) => msg.startsWith("the queue is in trouble"))),
  );

async function health(port: number): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, { signal: AbortSignal.timeout(20_000) });
  return response.status;
}

async function endsWell(server: MusterProcess): Promise<void> {
  const askedAt = performance.now();
  server.kill("SIGTERM");
  // One that does not is killed, so that the test ends.
  const killing = setTimeout(() => server.kill("SIGKILL"), 30_000);
  expect(await server.ended()).toMatchObject({ status: 0, signal: null });
  clearTimeout(killing);
  expect(performance.now() - askedAt).toBeLessThan(30_000);
}
