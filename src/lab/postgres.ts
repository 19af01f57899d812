import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { openDb } from "../db/connect.ts";
import { migrate, migrationTexts } from "../db/migrate.ts";
import { migrateQueue } from "../queue.ts";
import { claimAddresses, ports, type Addresses } from "./address.ts";
import { findPostgres, type PostgresBinaries } from "../embedded/binaries.ts";
import { keepCopy, type PutBack } from "./postgres-copy.ts";
import { openServerFolder } from "./postgres-folder.ts";
import { startServer, type ServerProcess, type ServerSettings, type StopMode } from "../embedded/process.ts";
import { ensurePackages } from "./system-packages.ts";
import { copyTemplate, superuser, type Recipe } from "./postgres-template.ts";

export type { StopMode } from "../embedded/process.ts";

/** One Postgres server of the lab, on an address of its own. */
export type PostgresServer = {
  address: string;
  dataDir: string;
  /** Makes the address to connect to as a role; host is another when a proxy stands in front. */
  url(role: { user: string; password: string; database: string }, host?: string): string;
  /** Opens a connection as the superuser, which only the lab itself may. End it after use. */
  connect(database?: string): Promise<pg.Client>;
  /** Asks something of a database as the superuser, on a connection that is kept while the server runs. */
  ask<Row extends pg.QueryResultRow>(database: string, sql: string, values?: unknown[]): Promise<Row[]>;
  running(): boolean;
  start(): Promise<void>;
  stop(mode?: StopMode): Promise<void>;
  restart(): Promise<void>;
  /** Restarts as after a crash: every connection breaks, what was committed is recovered. */
  restartImmediate(): Promise<void>;
  freeze(): void;
  thaw(): void;
  reload(): void;
  close(): Promise<void>;
};

export type PostgresOptions = {
  binaries: PostgresBinaries;
  address: string;
  port?: number;
  dataDir: string;
  settings?: ServerSettings;
};

/** Starts a server on a data directory that exists, and makes sure that whoever answers there is that server. */
export async function openPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const { binaries, address, dataDir, port = ports.postgres } = options;
  const settings = { ...small, ...options.settings, listen_addresses: address, port, unix_socket_directories: "" };
  let running: ServerProcess | undefined;

  const connect = async (database = "postgres") => {
    const client = new pg.Client({ host: address, port, database, ...superuser, connectionTimeoutMillis: 10_000 });
    // A server that the lab crashes ends its connections by surprise; the query that was under way tells it.
    client.on("error", () => undefined);
    await client.connect();
    return client;
  };
  const start = async () => {
    if (running && !running.exited()) return;
    running = await startServer(binaries, dataDir, settings);
    const client = await connect();
    const { rows } = await client.query<{ data_directory: string }>("show data_directory");
    await client.end();
    if (rows[0]?.data_directory !== dataDir) throw new Error(`Another server answers at ${address}:${port}.`);
  };
  // Stories ask hundreds of times, and a connection costs a server more than most answers.
  const kept = new Map<string, pg.Pool>();
  const poolOf = (database: string) => {
    const known = kept.get(database);
    if (known) return known;
    const pool = new pg.Pool({ host: address, port, database, ...superuser, max: 4, connectionTimeoutMillis: 10_000 });
    pool.on("error", () => undefined);
    kept.set(database, pool);
    return pool;
  };
  const stop = async (mode: StopMode = "fast") => {
    // Before the server ends them: who asks next must not get one that is ending.
    for (const pool of kept.values()) void pool.end();
    kept.clear();
    await running?.stop(mode);
  };

  await start();
  return {
    address,
    dataDir,
    url: ({ user, password, database }, host = address) => `postgres://${user}:${password}@${host}:${port}/${database}`,
    connect,
    ask: async <Row extends pg.QueryResultRow>(database: string, sql: string, values: unknown[] = []) =>
      (await poolOf(database).query<Row>(sql, values)).rows,
    running: () => running !== undefined && !running.exited(),
    start,
    stop,
    restart: async () => {
      await stop();
      await start();
    },
    restartImmediate: async () => {
      await stop("immediate");
      await start();
    },
    freeze: () => running?.freeze(),
    thaw: () => running?.thaw(),
    reload: () => running?.reload(),
    close: () => stop("immediate"),
  };
}

let found: PostgresBinaries | undefined;

/** Finds the machine's Postgres once, after installing it where that is needed and allowed. @throws UserError without one. */
export async function requirePostgres(): Promise<PostgresBinaries> {
  if (found) return found;
  await ensurePackages(["postgresql"]);
  found = findPostgres(process.env["PATH"]);
  if (!found) throw new Error("Postgres was there a moment ago and is not any more.");
  return found;
}

/** Labs are many and small; what touches loss (fsync, synchronous_commit) stays as it is on a real server. */
const small: ServerSettings = { shared_buffers: "32MB" };

/** Muster's own Postgres in a lab, at host .9. */
export type MusterDatabase = {
  /** As muster_app, who owns the database, may create schemas and databases, and is no superuser. */
  url: string;
  server: PostgresServer;
  start(): Promise<void>;
  stop(mode?: StopMode): Promise<void>;
  restartImmediate(): Promise<void>;
  /** Copies its files; returns how to put it back to them. */
  keepCopy(): Promise<PutBack>;
  close(): Promise<void>;
};

/** Starts a Postgres for Muster itself, on a network of its own unless one is given: empty, or with the tables of this version. */
export async function openMusterDatabase(
  addresses?: Addresses,
  { migrated = false }: { migrated?: boolean } = {},
): Promise<MusterDatabase> {
  const binaries = await requirePostgres();
  const network = addresses ?? (await claimAddresses());
  const folder = await openServerFolder(binaries);
  const dataDir = join(folder.path, "muster");
  const close = async () => {
    await folder.remove();
    if (!addresses) await network.release();
  };
  try {
    await copyTemplate(binaries, migrated ? { ...musterRecipe, afterwards: migrations() } : musterRecipe, dataDir);
    const server = await openPostgres({ binaries, address: network.host(9), dataDir });
    const url = server.url(musterApp);
    return {
      url,
      server,
      start: () => server.start(),
      stop: (mode) => server.stop(mode),
      restartImmediate: () => server.restartImmediate(),
      keepCopy: () => keepCopy(server, binaries),
      close: () => server.close().then(close),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

const musterApp = { user: "muster_app", password: "lab-muster-app", database: "muster" };

const musterRecipe: Recipe = {
  name: "muster",
  statements: [
    { database: "postgres", sql: "create role muster_app login createdb password 'lab-muster-app'" },
    { database: "postgres", sql: "create database muster owner muster_app" },
  ],
};

/** Both sets of tables, Muster's and the queue's, as `muster migrate` makes them: once for all labs. */
function migrations(): NonNullable<Recipe["afterwards"]> {
  const packages = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return {
    texts: [packages, ...migrationTexts()],
    work: async (socketFolder) => {
      const { user, password, database } = musterApp;
      const url = `postgres://${user}:${password}@/${database}?host=${encodeURIComponent(socketFolder)}`;
      const db = openDb(url, { max: 2, leaseMs: 60_000 });
      try {
        await migrate(db);
      } finally {
        await db.destroy();
      }
      await migrateQueue(url);
    },
  };
}
