import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { openAhead, openDb, type Db } from "../../src/db/connect.ts";
import { hangingUp } from "../../src/db/hanging-up.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { openProxy, type Proxy } from "../../src/lab/proxy.ts";

/** What a round trip to the database takes here, in wall milliseconds. */
const roundTripMs = 100;

describe("the connections that people's commands come in by", () => {
  let lab: Lab;
  let proxy: Proxy;
  let db: Db;
  let through: string;
  const insert = (key: string, then: () => void = () => undefined) =>
    db.transaction().execute(async (inside) => {
      await sql`insert into muster.inbox (source, delivery_key, body) values ('slack', ${key}, '{}')`.execute(inside);
      then();
    });
  const kept = async () => {
    const { rows } = await sql<{ key: string }>`select delivery_key as key from muster.inbox order by seq`.execute(db);
    return rows.map(({ key }) => key);
  };
  const inUse = async () => {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from pg_stat_activity where application_name = 'muster'`.execute(db);
    return rows[0]?.count;
  };

  beforeAll(async () => {
    lab = await openLab({ serve: false });
    const database = new URL(lab.environment["DATABASE_URL"] ?? "");
    const listen = { host: lab.addresses.host(40), port: 5432 };
    proxy = await openProxy({ listen, to: { host: database.hostname, port: Number(database.port) } });
    proxy.delayMs = roundTripMs / 2;
    database.hostname = listen.host;
    database.port = "5432";
    through = database.href;
    db = openDb(through, { max: 3, leaseMs: 10_000, hurries: true });
  });
  afterAll(async () => {
    await db.destroy();
    await proxy.close();
    await lab.close();
  });

  it("are open before anybody types", async () => {
    const withOne = (await inUse()) ?? 0;
    await openAhead(db, 3);
    expect(await inUse()).toBe(withOne + 2);
  });

  it("take one in two round trips: one for its insert, one for its commit", async () => {
    // So long that what a busy machine adds is less than a third one.
    const longMs = 4 * roundTripMs;
    proxy.delayMs = longMs / 2;
    const took: number[] = [];
    for (const key of ["first", "second", "third"]) {
      const startedAt = performance.now();
      await insert(key);
      took.push(performance.now() - startedAt);
    }
    proxy.delayMs = roundTripMs / 2;
    expect(Math.min(...took)).toBeGreaterThanOrEqual(1.9 * longMs);
    expect(Math.min(...took)).toBeLessThan(2.9 * longMs);
    expect(await kept()).toEqual(["first", "second", "third"]);
  });

  it("take nothing of one that is given up between the two, or that breaks", async () => {
    const late = () => {
      throw new Error("too late");
    };
    await expect(insert("late", late)).rejects.toThrow("too late");
    await expect(insert("first")).rejects.toThrow("inbox_delivery_key_key");
    expect(await kept()).toEqual(["first", "second", "third"]);
  });

  it("are others, here and in every pool, after a line fell silent: what was asked there fails, and the next is answered", async () => {
    const pools = [true, false].map((hurries) =>
      openDb(through, { max: 1, leaseMs: 10_000, statementTimeoutMs: 1500, hurries }),
    );
    const ask = (pool: Db) => pool.transaction().execute((inside) => sql`select 1`.execute(inside));
    await Promise.all(pools.map(ask));
    await proxy.setMode("silent");
    const unheard = await Promise.allSettled(pools.map(ask));
    expect(unheard.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await proxy.setMode("open");
    expect(await Promise.all(pools.map(ask))).toMatchObject([{ rows: [{}] }, { rows: [{}] }]);
    await Promise.all(pools.map((pool) => pool.destroy()));
  });

  it("stay where it was this process that stood still, and not the line", async () => {
    const Client = hangingUp(200);
    const client = new Client({ connectionString: lab.environment["DATABASE_URL"] });
    await client.connect();
    const asked = client.query("select 2 as two");
    // The question has left; its answer comes while nobody here can read it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
    expect((await asked).rows).toEqual([{ two: 2 }]);
    await client.end();
  });

  it("are others after the line broke under one", async () => {
    const cut = insert("cut");
    await proxy.setMode("refuses");
    await expect(cut).rejects.toThrow(/connection|ECONN|terminated/i);
    await proxy.setMode("open");
    // One that lay idle may not have heard of its end yet.
    const again = async () => insert("fourth").then(kept, () => undefined);
    let found: string[] | undefined;
    for (let attempt = 0; attempt < 5 && !found; attempt += 1) found = await again();
    expect(found).toEqual(["first", "second", "third", "fourth"]);
  });
});
