import { Socket } from "node:net";
import pg from "pg";
import { call, type CallContext, type CallOptions } from "../call.ts";
import type { Names } from "./dns.ts";

/** As in a connection string: no TLS, TLS to whoever answers (it keeps out who only listens), TLS to a server that proves its name. */
export type SslMode = "disable" | "require" | "verify-full";

export type PgSettings = {
  names: Names;
  /** Muster's own role in users' databases. */
  guard: { user: string; password: string; ssl: SslMode };
  connectTimeoutMs: number;
  ca?: string[] | undefined;
};

/** One database of one server, as one role. */
export type PgTarget = {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  ssl: SslMode;
  /** The region of an Aurora cluster: it tells of replication by functions of its own, and refuses Postgres's. */
  aurora?: string;
};

/** Runs one statement; the few words of pg that adapters and steps use. */
export type Sql = {
  /** Set where Aurora answers: the region it is in. */
  aurora?: string;
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
};

/**
 * Does some work on a connection of its own, as one call: resolves the host as everything else is resolved, gives up at
 * the call's timeout, and always ends the connection. The statements' own limit is the same, so that the server does not
 * go on with what nobody waits for.
 *
 * @throws what pg throws: DatabaseError with an SQLSTATE as `code`, or a socket's error (`whyUnreachable`).
 */
export async function withPostgres<T>(
  ctx: CallContext,
  settings: PgSettings,
  target: PgTarget,
  name: string,
  work: (sql: Sql) => Promise<T>,
  options?: CallOptions,
): Promise<T> {
  const limit = options?.timeoutMs ?? ctx.callTimeoutMs;
  return call(
    ctx,
    `postgres.${name}`,
    async (signal) => {
      const [address] = await settings.names.resolve(target.host);
      const socket = new Socket();
      const client = new pg.Client({
        host: address ?? target.host,
        port: target.port,
        user: target.user,
        password: target.password,
        database: target.database,
        application_name: "muster",
        connectionTimeoutMillis: Math.min(limit, settings.connectTimeoutMs),
        statement_timeout: limit,
        lock_timeout: limit,
        idle_in_transaction_session_timeout: limit,
        ssl: sslOf(settings, target),
        stream: () => socket,
      });
      // A server that dies ends its connections by surprise; the query that was under way tells it.
      client.on("error", () => undefined);
      const giveUp = () => socket.destroy();
      signal.addEventListener("abort", giveUp, { once: true });
      try {
        signal.throwIfAborted();
        await client.connect();
        return await work({
          ...(target.aurora === undefined ? {} : { aurora: target.aurora }),
          query: async <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
            (await client.query<Row>(text, values)).rows,
        });
      } finally {
        signal.removeEventListener("abort", giveUp);
        // A polite goodbye may wait for ever on a dead line.
        void client.end().catch(() => undefined);
        setImmediate(() => socket.destroySoon());
      }
    },
    // The whole name: two regions may have an instance of one name each.
    { ...options, target: `postgres ${target.host}` },
  );
}

/** Names a database of a host as Muster's own role. */
export function asGuard(
  settings: PgSettings,
  { host, port, database, aurora }: Pick<PgTarget, "host" | "port" | "database" | "aurora">,
): PgTarget {
  return { host, port, database, ...(aurora === undefined ? {} : { aurora }), ...settings.guard };
}

/** Names a database of a host as the role of an application: role, password and database are in its URL, the host is not used. */
export function asApp(place: { host: string; port: number }, url: string): PgTarget {
  const parsed = new URL(url);
  const mode = parsed.searchParams.get("sslmode");
  return {
    host: place.host,
    port: place.port,
    user: decodeURIComponent(parsed.username),
    password: decodeURIComponent(parsed.password),
    database: decodeURIComponent(parsed.pathname.slice(1)) || decodeURIComponent(parsed.username),
    ssl: mode === "disable" || mode === "require" ? mode : "verify-full",
  };
}

/** Runs statements as one transaction; any failure takes all of them back. */
export async function inTransaction<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  await sql.query("begin");
  try {
    const result = await work();
    await sql.query("commit");
    return result;
  } catch (error) {
    await sql.query("rollback").catch(() => undefined);
    throw error;
  }
}

/** Reads the SQLSTATE of an error ("28000"), or undefined when it is no answer of a server. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

function sslOf(settings: PgSettings, target: PgTarget): pg.ClientConfig["ssl"] {
  if (target.ssl === "disable") return false;
  if (target.ssl === "require") return { rejectUnauthorized: false };
  return { servername: target.host, ...(settings.ca ? { ca: settings.ca } : {}) };
}
