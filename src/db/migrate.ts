import { readdirSync, readFileSync } from "node:fs";
import { sql } from "kysely";
import { Migrator, type Migration } from "kysely/migration";
import { UserError } from "../errors.ts";
import type { Db } from "./connect.ts";

const folder = new URL("./migrations/", import.meta.url);

/**
 * Brings the tables up to this version of Muster and names what was run: all of it in one transaction, or none. Several at
 * once: one migrates, the rest wait. What others need is made `first`, so that whoever finds these tables finds those too.
 * @throws UserError when a newer version has brought them further.
 */
export async function migrate(db: Db, first: () => Promise<void> = () => Promise.resolve()): Promise<string[]> {
  await refuseNewer(db);
  await first();
  const { error, results = [] } = await migratorOf(db).migrateToLatest();
  if (error !== undefined) {
    // A newer one may have been at it while this one waited.
    await refuseNewer(db);
    // Kysely catches whatever was thrown and hands it over as it was.
    throw error instanceof Error ? error : new Error(JSON.stringify(error));
  }
  return results.map((result) => result.migrationName);
}

const refuseNewer = async (db: Db) => assertNotNewer(await migrationsIn(db), "Nothing was changed.");

/** Makes sure that the tables are those this version of Muster was written for. @throws UserError when they are not. */
export async function assertMigrated(db: Db): Promise<void> {
  const known = Object.keys(readMigrations());
  const done = await migrationsIn(db);
  const missing = known.filter((name) => !done.includes(name));
  assertNotNewer(done, "Muster did not start, and touched nothing.");
  if (missing.length > 0) {
    throw new UserError({
      happened: `Muster's database lacks ${missing.length} of ${known.length} migrations, first ${missing[0] ?? ""}.`,
      means: "Muster did not start, and touched nothing.",
      todo: "Type: muster migrate",
    });
  }
}

function assertNotNewer(done: string[], means: string): void {
  const known = Object.keys(readMigrations());
  const newer = done.filter((name) => !known.includes(name));
  if (newer.length === 0) return;
  throw new UserError({
    happened: `Muster's database was migrated by a newer Muster: it has ${newer.join(", ")}.`,
    means,
    todo: "Start the newer version here too.",
  });
}

async function migrationsIn(db: Db): Promise<string[]> {
  const { rows } = await sql<{ there: boolean }>`
    select to_regclass('muster.kysely_migration') is not null as there`.execute(db);
  if (!rows[0]?.there) return [];
  const done = await sql<{ name: string }>`select name from muster.kysely_migration order by name`.execute(db);
  return done.rows.map((row) => row.name);
}

function migratorOf(db: Db): Migrator {
  return new Migrator({
    db,
    migrationTableSchema: "muster",
    provider: { getMigrations: () => Promise.resolve(readMigrations()) },
  });
}

/** Reads what all migrations say, the oldest first. */
export const migrationTexts = (): string[] => migrationFiles().map(textOf);

const migrationFiles = (): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .toSorted();

const textOf = (file: string): string => readFileSync(new URL(file, folder), "utf8");

function readMigrations(): Record<string, Migration> {
  return Object.fromEntries(migrationFiles().map((file) => [file.replace(/\.sql$/, ""), fromSql(file)]));
}

const fromSql = (file: string): Migration => ({
  up: async (db) => {
    await sql.raw(textOf(file)).execute(db);
  },
});
