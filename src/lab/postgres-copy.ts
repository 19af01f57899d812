import { execFile } from "node:child_process";
import { chown, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import type { PostgresBinaries } from "../embedded/binaries.ts";
import { startServer } from "../embedded/process.ts";
import type { PostgresServer } from "./postgres.ts";
import { superuser } from "./postgres-template.ts";

const run = promisify(execFile);

/** Puts a server back to a copy of its files; the statement runs in a database before anybody can connect. */
export type PutBack = (database: string, sql: string) => Promise<void>;

/**
 * Copies a server's files while it stands still for a moment. What is committed after that is gone once the server is put
 * back, as after a restored backup, or after the promotion of a replica that was behind.
 */
export async function keepCopy(server: PostgresServer, binaries: PostgresBinaries): Promise<PutBack> {
  const { dataDir } = server;
  const copy = `${dataDir}-older`;
  const files = (from: string, to: string) => run("cp", ["-a", from, to], { cwd: "/", ...binaries.user });
  await server.stop();
  await files(dataDir, copy);
  await server.start();
  return async (database, sql) => {
    await server.stop("immediate");
    await rm(dataDir, { recursive: true });
    await files(copy, dataDir);
    const hidden = await startServer(binaries, dataDir, {
      listen_addresses: "",
      unix_socket_directories: dirname(dataDir),
    });
    const client = new pg.Client({ host: dirname(dataDir), port: 5432, database, ...superuser });
    await client.connect();
    await client.query(sql);
    await client.end();
    await hidden.stop("fast");
    await server.start();
  };
}

/**
 * Makes the files of a server that stands still anew, as a copy of a writer's, who goes on meanwhile: what it alone had is
 * gone. Its log stays its own.
 * @see https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP
 */
export async function copyFrom(
  writer: PostgresServer,
  { dataDir }: PostgresServer,
  binaries: PostgresBinaries,
): Promise<void> {
  const anew = `${dataDir}-anew`;
  // The backup is this session's: it ends with the connection.
  const client = await writer.connect();
  try {
    const { rows } = await client.query<{ renamed: boolean }>(
      "select current_setting('server_version_num')::int >= 150000 as renamed",
    );
    const renamed = rows[0]?.renamed ?? true;
    await client.query(
      renamed ? "select pg_backup_start('anew', true)" : "select pg_start_backup('anew', true, false)",
    );
    await copyFiles(writer.dataDir, anew, binaries);
    const stopped = await client.query<{ labelfile: string }>(
      `select labelfile from ${renamed ? "pg_backup_stop(false)" : "pg_stop_backup(false, false)"}`,
    );
    const label = join(anew, "backup_label");
    await writeFile(label, stopped.rows[0]?.labelfile ?? "");
    const { user } = binaries;
    if (user) await chown(label, user.uid, user.gid);
  } finally {
    await client.end();
  }
  const slots = (await readdir(join(anew, "pg_replslot"))).map((slot) => join("pg_replslot", slot));
  for (const ofTheWriter of ["postmaster.pid", "postmaster.opts", "server.log", ...slots])
    await rm(join(anew, ofTheWriter), { recursive: true, force: true });
  await rename(join(dataDir, "server.log"), join(anew, "server.log"));
  await rm(dataDir, { recursive: true });
  await rename(anew, dataDir);
}

/** A file may go away between its listing and its turn; then all is copied once more. */
async function copyFiles(from: string, to: string, { user }: PostgresBinaries): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await run("cp", ["-a", from, to], { cwd: "/", ...user });
      return;
    } catch (error) {
      await rm(to, { recursive: true, force: true });
      if (attempt === 3) throw error;
    }
  }
}
