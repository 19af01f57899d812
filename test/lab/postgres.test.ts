import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { once } from "node:events";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import pg from "pg";
import { claimAddresses } from "../../src/lab/address.ts";
import { isAlive } from "../../src/embedded/processes.ts";
import { ask, delayReplay, openPair, pauseReplay, promote, streams, type Pair } from "../../src/lab/postgres-pair.ts";
import { openMusterDatabase } from "../../src/lab/postgres.ts";
import { app, muster } from "../../src/lab/shop.ts";

const regions = ["us-east-1", "us-west-2"] as const;
const insertOrder = "insert into orders (number, customer, total_cents) values ($1, 'ada', 100)";

describe("Muster's own database in the lab", () => {
  it("lets muster_app make schemas, and keeps what was committed through a crash", async () => {
    await using database = disposable(await openMusterDatabase());
    await query(database.url, "create schema muster; create table muster.note (text text)");
    await query(database.url, "insert into muster.note values ('kept')");
    await database.restartImmediate();
    expect(await query(database.url, "select text from muster.note")).toEqual([{ text: "kept" }]);
    expect(await query(database.url, "select rolsuper from pg_roles where rolname = current_user")).toEqual([
      { rolsuper: false },
    ]);
  });

  it("answers nothing while it is frozen, and goes on when thawed", async () => {
    await using database = disposable(await openMusterDatabase());
    const client = new pg.Client(database.url);
    await client.connect();
    database.server.freeze();
    const answer = client.query("select 1 as one");
    expect(await Promise.race([answer, setTimeout(300, "no answer")])).toBe("no answer");
    database.server.thaw();
    expect((await answer).rows).toEqual([{ one: 1 }]);
    await client.end();
  });

  it.each(["running", "frozen"])(
    "ends with its process, also when that is killed and the server is %s",
    async (state) => {
      const postgres = new URL("../../src/lab/postgres.ts", import.meta.url).href;
      const script = `
      const { openMusterDatabase } = await import(${JSON.stringify(postgres)});
      const { server } = await openMusterDatabase();
      const { rows } = await (await server.connect()).query("select pg_backend_pid() as pid");
      if (${state === "frozen"}) server.freeze();
      console.log(JSON.stringify({ dataDir: server.dataDir, backend: rows[0].pid }));
      setInterval(() => {}, 1000);`;
      const owner = spawn(process.execPath, ["--input-type=module", "-e", script], {
        cwd: fileURLToPath(new URL("../..", import.meta.url)),
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [said] = (await once(owner.stdout, "data")) as [Buffer];
      const { dataDir, backend } = JSON.parse(said.toString()) as { dataDir: string; backend: number };
      expect(isAlive(backend)).toBe(true);
      owner.kill("SIGKILL");
      await until(() => !isAlive(backend) && !existsSync(dirname(dataDir)));
    },
  );
});

describe("a pair of servers in the lab", () => {
  it("streams, and a promoted replica takes writes that tell who took them", async () => {
    await using lab = await openTestPair();
    const { primary, replica } = lab.pair;
    await query(frontUrl(lab.pair, "primary"), insertOrder, [1]);
    await until(async () => (await countOrders(lab.pair, "replica")) === 1);
    await expect(query(frontUrl(lab.pair, "replica"), insertOrder, [2])).rejects.toThrow(/read-only transaction/);
    await promote(replica.server);
    await query(frontUrl(lab.pair, "replica"), insertOrder, [2]);
    expect(await ask(replica.server, "select number, committed_by from orders order by number")).toEqual([
      { number: "1", committed_by: primary.region },
      { number: "2", committed_by: replica.region },
    ]);
    await expect(promote(replica.server)).rejects.toThrow(/recovery is not in progress/);
  });

  it("lets muster fence the app role, which then cannot log in", async () => {
    await using lab = await openTestPair();
    const session = new pg.Client(frontUrl(lab.pair, "primary"));
    const broken = endOf(session);
    await session.connect();
    const { front, server } = lab.pair.primary;
    const asMuster = server.url(muster, front.listen.host);
    await query(asMuster, "alter role app nologin");
    await query(asMuster, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'");
    expect(String(await broken)).toMatch(/terminat/);
    await expect(query(frontUrl(lab.pair, "primary"), insertOrder, [1])).rejects.toThrow(/not permitted to log in/);
    await query(asMuster, "alter role app login");
    await query(frontUrl(lab.pair, "primary"), insertOrder, [1]);
  });

  it("stamps both copies with the seed it is given", async () => {
    await using lab = await openTestPair("create table seeded as select 7 as seven");
    for (const { server } of [lab.pair.primary, lab.pair.replica]) {
      expect(await ask(server, "select seven from seeded")).toEqual([{ seven: 7 }]);
    }
  });

  it("goes silent as a dead region, and keeps its data for whoever looks inside", async () => {
    await using lab = await openTestPair();
    const client = new pg.Client(frontUrl(lab.pair, "primary"));
    await client.connect();
    await lab.pair.setRegion("us-east-1", "silent");
    const answer = client.query("select 1 as one");
    const caller = new pg.Client({ connectionString: frontUrl(lab.pair, "primary"), connectionTimeoutMillis: 300 });
    await expect(caller.connect()).rejects.toThrow(/timeout/i);
    expect(await Promise.race([answer, setTimeout(100, "no answer")])).toBe("no answer");
    await ask(lab.pair.primary.server, "insert into orders (number, customer, total_cents) values (9, 'ada', 1)");
    await until(async () => !(await streams(lab.pair.replica.server)));
    expect(await countOrders(lab.pair, "replica")).toBe(0);

    await lab.pair.setRegion("us-east-1", "open");
    expect((await answer).rows).toEqual([{ one: 1 }]);
    await until(async () => (await countOrders(lab.pair, "replica")) === 1);
    await client.end();
  });

  it("keeps a cut line cut when a region at its end returns", async () => {
    await using lab = await openTestPair();
    await lab.pair.setLink("silent");
    await lab.pair.setRegion("us-west-2", "silent");
    await lab.pair.setRegion("us-west-2", "open");
    await query(frontUrl(lab.pair, "primary"), insertOrder, [1]);
    await until(async () => !(await streams(lab.pair.replica.server)));
    expect(await countOrders(lab.pair, "replica")).toBe(0);
    await lab.pair.setLink("open");
    await until(async () => (await countOrders(lab.pair, "replica")) === 1);
  });

  it("refuses connections when it is told to, and breaks those it had", async () => {
    await using lab = await openTestPair();
    const client = new pg.Client(frontUrl(lab.pair, "primary"));
    const broken = endOf(client);
    await client.connect();
    await lab.pair.primary.front.setMode("refuses");
    await broken;
    await expect(query(frontUrl(lab.pair, "primary"), "select 1")).rejects.toThrow(/ECONNREFUSED/);
    await lab.pair.primary.front.setMode("open");
    expect(await query(frontUrl(lab.pair, "primary"), "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("passes bytes late and in order over a slow line", async () => {
    await using lab = await openTestPair();
    const { front } = lab.pair.primary;
    front.delayMs = 60;
    const long = "x".repeat(300_000);
    const startedAt = performance.now();
    const answer = query<{ text: string }>(frontUrl(lab.pair, "primary"), "select $1::text || '!' as text", [long]);
    await setTimeout(400);
    front.delayMs = 0;
    expect((await answer)[0]?.text).toBe(`${long}!`);
    expect(performance.now() - startedAt).toBeGreaterThan(400);
  });

  it("can hold back replay, or be late with it, while the replica still receives", async () => {
    await using lab = await openTestPair();
    const { replica } = lab.pair;
    await pauseReplay(replica.server, true);
    await query(frontUrl(lab.pair, "primary"), insertOrder, [1]);
    const behind = "select pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn() as behind";
    await until(async () => (await ask<{ behind: boolean }>(replica.server, behind))[0]?.behind === true);
    expect(await countOrders(lab.pair, "replica")).toBe(0);
    await pauseReplay(replica.server, false);
    await until(async () => (await countOrders(lab.pair, "replica")) === 1);

    await delayReplay(replica.server, 1);
    const startedAt = performance.now();
    await query(frontUrl(lab.pair, "primary"), insertOrder, [2]);
    await until(async () => (await countOrders(lab.pair, "replica")) === 2);
    expect(performance.now() - startedAt).toBeGreaterThan(700);
  });

  it("can be opened twice at once", async () => {
    await using one = await openTestPair();
    await using other = await openTestPair();
    await query(frontUrl(one.pair, "primary"), insertOrder, [1]);
    expect(await countOrders(one.pair, "primary")).toBe(1);
    expect(await countOrders(other.pair, "primary")).toBe(0);
  });
});

async function openTestPair(seed?: string) {
  const addresses = await claimAddresses();
  const pair = await openPair({ addresses, regions, ...(seed && { seed }) });
  return { pair, [Symbol.asyncDispose]: () => pair.close().then(() => addresses.release()) };
}

function disposable<T extends { close(): Promise<void> }>(part: T): T & AsyncDisposable {
  return { ...part, [Symbol.asyncDispose]: () => part.close() };
}

function frontUrl(pair: Pair, side: "primary" | "replica"): string {
  return pair[side].server.url(app, pair[side].front.listen.host);
}

/** pg tells of a broken connection twice: what the server said, and that it is gone. */
async function endOf(client: pg.Client): Promise<unknown> {
  client.on("error", () => undefined);
  const [error] = (await once(client, "error")) as [unknown];
  return error;
}

async function countOrders(pair: Pair, side: "primary" | "replica"): Promise<number> {
  const [row] = await ask<{ count: number }>(pair[side].server, "select count(*)::int as count from orders");
  return row?.count ?? -1;
}

async function query<Row extends object>(url: string, sql: string, values?: unknown[]): Promise<Row[]> {
  const client = new pg.Client(url);
  try {
    await client.connect();
    return (await client.query<Row>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 15_000;
  while (!(await isTrue())) {
    if (performance.now() > giveUpAt) throw new Error(`Not in 15 seconds: ${String(isTrue)}`);
    await setTimeout(20);
  }
}
