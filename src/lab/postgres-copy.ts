import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
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
