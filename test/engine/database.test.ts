import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { Activity } from "../../src/activity.ts";
import { Clock } from "../../src/clock.ts";
import { openDb, readClock, type Db } from "../../src/db/connect.ts";
import { assertMigrated, migrate } from "../../src/db/migrate.ts";
import { refreshClock } from "../../src/engine/sweep.ts";
import { openMusterDatabase, type MusterDatabase } from "../../src/lab/postgres.ts";
import { engineContext, quiet, until } from "./engine-lab.ts";

let server: MusterDatabase;
const open: Db[] = [];
const connect = (activity?: Activity) => {
  const db = openDb(server.url, { max: 3, leaseMs: 1_000, log: quiet, ...(activity ? { activity } : {}) });
  open.push(db);
  return db;
};
beforeAll(async () => {
  server = await openMusterDatabase();
});
afterAll(async () => {
  await Promise.all(open.map((db) => db.destroy()));
  await server.close();
});

describe("Muster's own database", () => {
  it("is refused before it was migrated, and after a newer Muster migrated it", async () => {
    const db = connect();
    await expect(assertMigrated(db)).rejects.toThrow(
      /lacks \d+ of \d+ migrations.* Muster did not start.* Type: muster migrate/,
    );
    const [first, second] = await Promise.all([migrate(db), migrate(connect())]);
    // Two at once: one migrates, the other finds it done.
    expect([...first, ...second].length).toBeGreaterThan(0);
    expect(Math.min(first.length, second.length)).toBe(0);
    await assertMigrated(db);
    await sql`insert into muster.kysely_migration (name, timestamp) values ('9999-later', 'then')`.execute(db);
    await expect(assertMigrated(db)).rejects.toThrow(/migrated by a newer Muster: it has 9999-later/);
    await expect(migrate(db)).rejects.toThrow(/it has 9999-later\. Nothing was changed\. Start the newer version/);
    await sql`delete from muster.kysely_migration where name = '9999-later'`.execute(db);
  });

  it("ends a transaction that stands still for half a lease, and the process lives on", async () => {
    const db = connect();
    const stood = db.transaction().execute(async (trx) => {
      await sql`select 1`.execute(trx);
      await new Promise((resolve) => setTimeout(resolve, 800));
      await sql`select 2`.execute(trx);
    });
    await expect(stood).rejects.toThrow(/terminat|connection|idle-in-transaction/i);
    expect((await sql<{ one: number }>`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }]);
  });

  it("counts what is in flight, also when it fails", async () => {
    const activity = new Activity();
    const db = connect(activity);
    // Longer than a busy machine may need to wake up from the pause.
    const sleeping = sql`select pg_sleep(1.5)`.execute(db);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(activity.inFlight).toBe(1);
    await sleeping;
    await expect(sql`select nothing`.execute(db)).rejects.toThrow(/nothing/);
    expect(activity.inFlight).toBe(0);
  });

  it("shows a clock that a process follows: when it is moved, and not when it only trembles", async () => {
    const db = connect();
    const clock = new Clock(await readClock(db));
    const ctx = engineContext({ db, clock, worker: "one" });
    const apart = async () => Math.abs((await readClock(db)).shows.getTime() - clock.now().getTime());
    // Again and again: of a slow answer nobody knows how much of its time went by on the way there.
    await until("it shows the same", async () => {
      clock.set(await readClock(db));
      return (await apart()) < 50;
    });
    await sql`update muster.clock set shows = muster.now() + interval '9.5 hours', anchor_at = clock_timestamp(), rate = 3`.execute(
      db,
    );
    expect(await apart()).toBeGreaterThan(9 * 3_600_000);
    await until("it follows", async () => {
      await refreshClock(ctx);
      return (await apart()) < 150;
    });
    expect(clock.rate).toBe(3);
  });

  it("says so in the log when somebody sets the clock, which moves every deadline", async () => {
    const db = connect();
    const clock = new Clock(await readClock(db));
    const warned: object[] = [];
    const log = { ...quiet, warn: (fields: object) => warned.push(fields) };
    const ctx = engineContext({ db, clock, worker: "one", log });
    await refreshClock(ctx);
    expect(warned).toEqual([]);
    await sql`update muster.clock set shows = muster.now() - interval '5 minutes', anchor_at = clock_timestamp()`.execute(
      db,
    );
    await refreshClock(ctx);
    expect(warned).toEqual([{ seconds: -300 }]);
  });

  it("does not put back a clock that was set while it was asked", async () => {
    const db = connect();
    const clock = new Clock(await readClock(db));
    const refreshing = refreshClock(engineContext({ db, clock, worker: "one" }));
    const later = new Date(clock.now().getTime() + 3_600_000);
    clock.set({ shows: later, rate: clock.rate });
    await refreshing;
    expect(clock.now().getTime()).toBeGreaterThanOrEqual(later.getTime());
  });
});
