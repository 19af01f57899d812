import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { openDriver } from "../../src/engine/drive.ts";
import { openSweep } from "../../src/engine/sweep.ts";
import { labEstate } from "../../src/lab/estate.ts";
import { openRedis } from "../../src/lab/redis.ts";
import { openQueue } from "../../src/queue.ts";
import { engineContext, openEngineLab, planOf, propose, quiet, story, until, type EngineLab } from "./engine-lab.ts";
import { MusterProcess } from "../terminal/process.ts";
import { chain, makeSharedWorld, sharedSteps } from "./shared-world.ts";

let lab: EngineLab;
let redis: ChildProcess;
let redisUrl: string;

beforeAll(async () => {
  lab = await openEngineLab();
  await makeSharedWorld(lab.db);
  const port = await freePort();
  redisUrl = `redis://127.0.0.1:${port}`;
  const settings = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  redis = spawn("redis-server", [...settings, "--maxmemory-policy", "noeviction"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  for await (const chunk of redis.stdout!) if ((said += String(chunk)).includes("Ready to accept connections")) break;
});
afterAll(async () => {
  redis.kill("SIGKILL");
  await lab.close();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

const short = () => propose(lab.db, planOf(chain(crypto.randomUUID(), 2), { needed: 0, locks: [] }));
const ended = (runId: string, milliseconds?: number) =>
  until("the run has ended", async () => (await story(lab.db, runId)).includes("ended"), milliseconds);

describe.each(["Redis", "Postgres"])("the doorbell on %s", (backend) => {
  const url = () => (backend === "Redis" ? { redis: { url: redisUrl } } : {});

  it("has a run driven in another place as soon as it rings", async () => {
    const driver = openDriver(engineContext({ db: lab.db, clock: lab.clock, worker: "driver", steps: sharedSteps }));
    const common = { databaseUrl: lab.url, log: quiet, ...url() };
    const answering = openQueue({ ...common, onRing: (runId) => driver.answer(runId) });
    const ringing = openQueue(common);
    try {
      for (let round = 0; round < 5; round += 1) {
        const runId = await short();
        await ringing.ring(runId);
        await ended(runId, 8_000);
      }
      // The same run twice, and one that is not there: nothing comes of it.
      const runId = await short();
      await Promise.all([ringing.ring(runId), ringing.ring(runId), ringing.ring("nobody")]);
      await ended(runId);
      expect((await story(lab.db, runId)).filter((line) => line === "started")).toHaveLength(1);
    } finally {
      await driver.stop();
      await Promise.all([answering.close(), ringing.close()]);
    }
  });
});

describe("the doorbell on Postgres", () => {
  it("outlives the end of a connection that is in use, as when the server goes down in the middle of a ring", async () => {
    const queue = openQueue({ databaseUrl: lab.url, log: quiet });
    const blocked = () =>
      sql<{ pid: number }>`
        select pid from pg_stat_activity where wait_event_type = 'Lock' and query ilike '%job%'`.execute(lab.db);
    try {
      await queue.ring("nobody");
      await lab.db.transaction().execute(async (locking) => {
        await sql`lock table muster_queue.job in access exclusive mode`.execute(locking);
        const ringing = queue.ring("nobody");
        await until("the ring waits", async () => (await blocked()).rows.length > 0);
        const { rows } = await blocked();
        for (const { pid } of rows) await sql`select pg_terminate_backend(${pid})`.execute(lab.db);
        // An error event that nobody hears would end this process.
        await ringing;
      });
      await queue.ring("nobody");
    } finally {
      await queue.close();
    }
  });
});

describe("without its queue", () => {
  it("a run is driven all the same: by the sweep, within two seconds", async () => {
    let looks = 0;
    let startedAt = Infinity;
    // Counted in its looks, which are a second apart, and more on a busy machine.
    const point = (name: string) => {
      if (name === "before db.sweep") looks += 1;
      if (name === "before db.journal started") startedAt = looks;
      return Promise.resolve();
    };
    const ctx = engineContext({ db: lab.db, clock: lab.clock, worker: "sweeper", steps: sharedSteps, point });
    const driver = openDriver(ctx);
    const sweep = openSweep(ctx, driver);
    const nobody = openQueue({
      databaseUrl: lab.url,
      log: quiet,
      redis: { url: `redis://127.0.0.1:${await freePort()}` },
    });
    try {
      const runId = await short();
      const before = looks;
      const rangAt = performance.now();
      await nobody.ring(runId);
      expect(performance.now() - rangAt).toBeLessThan(10_000);
      await ended(runId);
      expect(startedAt - before).toBeLessThanOrEqual(2);
    } finally {
      await sweep.stop();
      await driver.stop();
      await nobody.close();
    }
  });

  it("a Redis that was wiped while jobs waited costs a second, and rings again", async () => {
    const ctx = engineContext({ db: lab.db, clock: lab.clock, worker: "wiped", steps: sharedSteps });
    const driver = openDriver(ctx);
    const ringing = openQueue({ databaseUrl: lab.url, log: quiet, redis: { url: redisUrl } });
    const lost = await short();
    await ringing.ring(lost);
    await wipe();
    const answering = openQueue({
      databaseUrl: lab.url,
      log: quiet,
      redis: { url: redisUrl },
      onRing: (runId) => driver.answer(runId),
    });
    const sweep = openSweep(ctx, driver);
    try {
      await ended(lost);
      await sweep.stop();
      const runId = await short();
      await ringing.ring(runId);
      await ended(runId, 8_000);
    } finally {
      await sweep.stop();
      await driver.stop();
      await Promise.all([ringing.close(), answering.close()]);
    }
  });

  it("one whose Redis hangs with its socket open waits for it once, no longer than two seconds, and rings again later", async () => {
    const rung: string[] = [];
    const told: string[] = [];
    const ringing = openQueue({
      databaseUrl: lab.url,
      log: { ...quiet, warn: (_fields, message) => void told.push(message) },
      redis: { url: redisUrl },
      onRing: (runId) => Promise.resolve(void rung.push(runId)),
    });
    try {
      await ringing.ring("warm");
      redis.kill("SIGSTOP");
      const first = await milliseconds(() => ringing.ring("frozen"));
      // Twice would be four.
      expect(first).toBeLessThan(3_900);
      expect(told).toEqual(["the queue is in trouble; due runs are found by the sweep"]);
      // Whoever decides something now is not held up by what did not answer.
      expect(await milliseconds(() => ringing.ring("frozen, too"))).toBeLessThan(1_900);
      redis.kill("SIGCONT");
      await until("it rings again", async () => {
        await ringing.ring("thawed");
        return rung.includes("thawed");
      });
    } finally {
      redis.kill("SIGCONT");
      await ringing.close();
    }
  });
});

describe("a server that is told to stop", () => {
  it.each<[string, NodeJS.Signals]>([
    ["hangs", "SIGSTOP"],
    ["is gone", "SIGKILL"],
  ])(
    "ends within its time while its Redis %s",
    async (_what, signal) => {
      const own = await openRedis();
      const folder = await mkdtemp(join(tmpdir(), "muster-queue-"));
      const estate = join(folder, "estate.yaml");
      await writeFile(estate, labEstate({ replicas: 1, stabilitySeconds: 60 }));
      const settings = { DATABASE_URL: lab.url, ESTATE: estate, HTTP_PORT: "0", REDIS_URL: own.url };
      const server = new MusterProcess(["serve"], settings);
      try {
        const isReady = () => Promise.resolve(server.logged.some(({ msg }) => msg === "Muster is ready"));
        await until("it is ready", isReady, 60_000);
        await until("it listens for rings", async () => (await own.tell("CLIENT LIST")).includes("cmd=bzpopmin"));
        if (signal === "SIGSTOP") own.freeze();
        else await own.kill();
        const askedAt = performance.now();
        server.kill("SIGTERM");
        expect(await server.ended()).toMatchObject({ status: 0, signal: null });
        // It is given 30 seconds before it is killed.
        expect(performance.now() - askedAt).toBeLessThan(15_000);
      } finally {
        server.kill("SIGKILL");
        await own[Symbol.asyncDispose]();
        await rm(folder, { recursive: true });
      }
    },
    120_000,
  );
});

async function milliseconds(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** Empties Redis, as a person does by mistake. */
async function wipe(): Promise<void> {
  const { port } = new URL(redisUrl);
  const socket = connect(Number(port), "127.0.0.1");
  socket.write("FLUSHALL\r\n");
  await once(socket, "data");
  socket.destroy();
}
