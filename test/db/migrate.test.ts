import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { sql } from "kysely";
import { Migrator, type Migration } from "kysely/migration";
import { openDb, type Db } from "../../src/db/connect.ts";
import { assertMigrated, migrate, migrationTexts } from "../../src/db/migrate.ts";
import { messageOf } from "../../src/errors.ts";
import { labEstate } from "../../src/lab/estate.ts";
import { openMusterDatabase, type MusterDatabase } from "../../src/lab/postgres.ts";
import { migrateQueue } from "../../src/queue.ts";
import { until } from "../engine/engine-lab.ts";
import { MusterProcess, run } from "../terminal/process.ts";

let server: MusterDatabase;
let folder: string;
const open: Db[] = [];
/** As one migration in one go makes them. */
let whole: string[];
let wholeQueue: string[];

beforeAll(async () => {
  server = await openMusterDatabase();
  folder = await mkdtemp(join(tmpdir(), "muster-migrate-"));
  await writeFile(join(folder, "estate.yaml"), labEstate({ replicas: 1, stabilitySeconds: 60 }));
  const { db, url } = await openDatabase("in_one_go");
  await migrate(db, () => migrateQueue(url));
  [whole, wholeQueue] = [await tablesOf(db), await tablesOf(db, "muster_queue")];
});
afterAll(async () => {
  await Promise.all(open.map((db) => db.destroy()));
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** A database of its own, with what the first so many migrations make. */
async function openDatabase(name: string, migrations = 0): Promise<{ url: string; db: Db }> {
  await server.server.ask("postgres", `create database ${name} owner muster_app`);
  const url = server.url.replace(/\/muster$/, `/${name}`);
  const db = openDb(url, { max: 4, leaseMs: 600_000, statementTimeoutMs: 60_000 });
  open.push(db);
  if (migrations > 0) await (await releaseWith(db, (all) => all.slice(0, migrations))).migrateToLatest();
  return { url, db };
}

/** Migrates as another release would, whose migrations are these. */
async function releaseWith(db: Db, choose: (all: [string, string][]) => [string, string][]): Promise<Migrator> {
  const files = (await readdir(new URL("../../src/db/migrations/", import.meta.url))).toSorted();
  const names = files.map((file) => file.replace(/\.sql$/, ""));
  const texts = migrationTexts();
  const chosen = choose(names.map((name, index) => [name, texts[index] ?? ""]));
  const migrations: Record<string, Migration> = Object.fromEntries(
    chosen.map(([name, text]) => [
      name,
      {
        up: (inside) =>
          sql
            .raw(text)
            .execute(inside)
            .then(() => undefined),
      },
    ]),
  );
  return new Migrator({
    db,
    migrationTableSchema: "muster",
    provider: { getMigrations: () => Promise.resolve(migrations) },
  });
}

/** What stands in Muster's tables, or in the queue's. */
async function tablesOf(db: Db, schema = "muster"): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select format('%s.%s %s %s', table_name, column_name, data_type, column_default) as line
      from information_schema.columns where table_schema = ${schema} and table_name not like 'kysely%'
    union all select indexdef from pg_indexes where schemaname = ${schema} and tablename not like 'kysely%'
    union all select oid::regprocedure::text from pg_proc where pronamespace::regnamespace::text = ${schema}
    order by line`.execute(db);
  return rows.map(({ line }) => line);
}

/** The connection that stands in the middle of a migration: it made tables which nobody else sees yet, and waits for a lock. */
async function inTheMiddle(db: Db): Promise<number | undefined> {
  const { rows } = await sql<{ pid: number }>`
    with ours as (select * from pg_locks where pid in (select pid from pg_stat_activity where datname = current_database()))
    select pid from ours waits where not granted and locktype in ('relation', 'transactionid') and exists (
      select from ours made where made.pid = waits.pid and made.granted and made.locktype = 'relation'
         and made.mode = 'AccessExclusiveLock' and not exists (select from pg_class where oid = made.relation))`.execute(
    db,
  );
  return rows[0]?.pid;
}

/** Tells whether somebody waits until another has migrated. */
async function waitsForItsTurn(db: Db): Promise<boolean> {
  const waiting = await sql`
    select from pg_locks join pg_database on pg_database.oid = database
     where not granted and locktype = 'advisory' and datname = current_database()`.execute(db);
  return waiting.rows.length > 0;
}

const isGone = async (db: Db, pid: number): Promise<boolean> =>
  (await sql`select from pg_stat_activity where pid = ${pid}`.execute(db)).rows.length === 0;

/** Holds what a migration comes to after it has made something; it waits there until this is let go. */
async function holding(db: Db, lock: string): Promise<AsyncDisposable & { letGo(): Promise<void> }> {
  const held = await db.startTransaction().execute();
  await sql.raw(lock).execute(held);
  const letGo = async () => {
    if (!held.isRolledBack) await held.rollback().execute();
  };
  return { letGo, [Symbol.asyncDispose]: letGo };
}

/** As somebody does who takes a copy of the database. */
const copying = "lock table muster.run in access share mode";

type Moment = { name: string; migrations: number; before?: string; lock: string };
const moments: [string, Moment][] = [
  [
    "in the queue's tables",
    {
      name: "in_queue",
      migrations: 0,
      before: "create schema muster_queue",
      lock: "create table muster_queue.job (id integer)",
    },
  ],
  [
    "in the first of Muster's, on an empty database",
    {
      name: "in_first",
      migrations: 0,
      before: "create schema muster",
      lock: "create table muster.run_service (id integer)",
    },
  ],
  [
    "between two statements of a later one",
    { name: "in_later", migrations: 1, lock: "lock table muster.step_event in row exclusive mode" },
  ],
];

describe("muster migrate, stopped in the middle", () => {
  it.each(moments)("%s: nothing of it is there, servers refuse, and the next does all of it", async (_when, moment) => {
    const { url, db } = await openDatabase(moment.name, moment.migrations);
    if (moment.before) await sql.raw(moment.before).execute(db);
    const [before, queueBefore] = [await tablesOf(db), await tablesOf(db, "muster_queue")];
    await using lock = await holding(db, moment.lock);
    const migrating = new MusterProcess(["migrate"], { DATABASE_URL: url });
    const pid = await until("it waits in the middle", () => inTheMiddle(db), 40_000);
    migrating.kill("SIGKILL");
    expect(await migrating.ended()).toMatchObject({ signal: "SIGKILL", out: "" });
    await lock.letGo();
    await until("its server has let it go", () => isGone(db, pid));

    expect(await tablesOf(db)).toEqual(before);
    expect(await tablesOf(db, "muster_queue")).toEqual(moment.name === "in_queue" ? queueBefore : wholeQueue);
    await expect(assertMigrated(db)).rejects.toThrow(
      /lacks \d+ of \d+ migrations.* Muster did not start, and touched nothing\. Type: muster migrate/,
    );
    expect(await migrate(db, () => migrateQueue(url))).toHaveLength(migrationTexts().length - moment.migrations);
    await assertMigrated(db);
    expect(await tablesOf(db)).toEqual(whole);
    expect(await tablesOf(db, "muster_queue")).toEqual(wholeQueue);
  });

  it("by its server between two of them: it says what stands there, and another that waited does all of it", async () => {
    const { url, db } = await openDatabase("by_server", 2);
    await using lock = await holding(db, copying);
    const migrating = new MusterProcess(["migrate"], { DATABASE_URL: url });
    const pid = await until("it waits in the middle", () => inTheMiddle(db), 40_000);
    const other = migrate(db);
    await until("the other waits for it", () => waitsForItsTurn(db));
    await sql`select pg_terminate_backend(${pid})`.execute(db);
    const { status, out, err } = await migrating.ended();
    expect({ status, out, said: err.trimEnd().split("\n") }).toEqual({
      status: 1,
      out: "",
      said: [
        "The migration did not come to its end: Muster's database breaks connections.",
        "Nothing is half done: each set of tables is as it was, or as it is to be.",
        "Look at that database, then type: muster migrate",
      ],
    });
    await lock.letGo();
    expect(await other).toHaveLength(migrationTexts().length - 2);
    expect(await tablesOf(db)).toEqual(whole);
  });
});

describe("a release whose database another has brought further", () => {
  it("refuses to serve before and after, in three sentences; and to migrate, though it had its turn only then", async () => {
    const { url, db } = await openDatabase("further", 2);
    const serve = () => serving(url);
    expect(await serve()).toEqual([
      expect.stringMatching(/^Muster's database lacks \d+ of \d+ migrations, first 0003-/),
      "Muster did not start, and touched nothing.",
      "Type: muster migrate",
    ]);
    await using lock = await holding(db, copying);
    const newer = (
      await releaseWith(db, (all) => [...all, ["9999-later", "create table muster.later ()"]])
    ).migrateToLatest();
    await until("the newer waits in the middle", () => inTheMiddle(db));
    const older = migrate(db).catch((error: unknown) => messageOf(error));
    await until("the older waits for its turn", () => waitsForItsTurn(db));
    await lock.letGo();
    expect((await newer).error).toBeUndefined();
    expect(await older).toMatch(
      /^Muster's database was migrated by a newer Muster: it has 9999-later\. Nothing was changed\. Start the newer version/,
    );
    expect(await serve()).toEqual([
      "Muster's database was migrated by a newer Muster: it has 9999-later.",
      "Muster did not start, and touched nothing.",
      "Start the newer version here too.",
    ]);
  });
});

/** What `muster serve` says before it ends. */
async function serving(url: string): Promise<string[]> {
  const { status, out, err } = await run(["serve"], { DATABASE_URL: url, ESTATE: join(folder, "estate.yaml") });
  expect({ status, out }).toEqual({ status: 1, out: "" });
  return err.trimEnd().split("\n");
}
