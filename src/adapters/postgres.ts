import pg from "pg";
import { call, type CallContext, type CallOptions } from "../call.ts";
import type { Names } from "./dns.ts";
import { openSession, type KeptSessions, type Session } from "./postgres-session.ts";
import { whyUnreachable } from "./unreachable.ts";

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

/** What a piece of work on a server may be given beside a call's options. */
export type PgOptions = CallOptions & {
  /** Where the session comes from and goes back to, for looks that come every few seconds and may be taken twice. */
  kept?: KeptSessions;
};

/**
 * Does some work on a connection of its own, or on a kept one, as one call: resolves the host as everything else is
 * resolved, gives up at the call's timeout, and ends a connection that failed or is not kept. The statements' own limit is
 * the same, so that the server does not go on with what nobody waits for.
 *
 * @throws what pg throws: DatabaseError with an SQLSTATE as `code`, or a socket's error (`whyUnreachable`).
 */
export async function withPostgres<T>(
  ctx: CallContext,
  settings: PgSettings,
  target: PgTarget,
  name: string,
  work: (sql: Sql) => Promise<T>,
  options?: PgOptions,
): Promise<T> {
  const limitMs = options?.timeoutMs ?? ctx.callTimeoutMs;
  const kept = options?.kept;
  return call(
    ctx,
    `postgres.${name}`,
    async (signal) => {
      const addresses = await settings.names.resolve(target.host);
      const [address = target.host] = addresses;
      const open = () => openSession(settings, address, { target, limitMs });
      const use = async (session: Session) => {
        const giveUp = () => session.break();
        signal.addEventListener("abort", giveUp, { once: true });
        try {
          signal.throwIfAborted();
          const result = await work(await session.ready());
          if (kept) kept.give(session);
          else session.end();
          return result;
        } catch (error) {
          session.end();
          throw explainFull(error);
        } finally {
          signal.removeEventListener("abort", giveUp);
        }
      };
      const session = kept?.take(addresses, { target, limitMs });
      if (!session) return use(open());
      return use(session).catch((error: unknown) => {
        signal.throwIfAborted();
        // Ended meanwhile, by a restart or by whoever ends what is idle: that says nothing about the server now.
        if (whyUnreachable(error) === undefined) throw error;
        return use(open());
      });
    },
    // The whole name: two regions may have an instance of one name each.
    { ...options, target: `postgres ${target.host}` },
  );
}

/** A server that is full answers, and lets nobody in: what Postgres says of it tells nobody what to do. */
function explainFull(error: unknown): unknown {
  if (sqlState(error) === "53300" && error instanceof Error)
    error.message += ". Whoever administers the server ends sessions there to let Muster in";
  return error;
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

/**
 * Runs statements as one transaction that writes, also where a server's own configuration makes transactions read-only unless
 * they say otherwise; any failure takes all of them back. A replica refuses it.
 */
export async function inTransaction<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  await sql.query("begin read write");
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
