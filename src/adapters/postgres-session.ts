import { Socket } from "node:net";
import pg from "pg";
import type { PgSettings, PgTarget, Sql } from "./postgres.ts";

/** What a session is opened for: which database as which role, with which limits. */
export type SessionWish = {
  target: PgTarget;
  /** Wall milliseconds a statement may take, or wait for a lock. */
  limitMs: number;
};

/** One session with a server. */
export type Session = SessionWish & {
  /** The server itself: what its host's name led to when the session was opened. */
  address: string;
  /** Connects at its first call. @throws what pg throws */
  ready(): Promise<Sql>;
  /** False once either side ended it. */
  isOpen(): boolean;
  /** Says goodbye, and waits for nobody. */
  end(): void;
  /** Cuts the line: what was under way fails at once. */
  break(): void;
};

/**
 * Makes a session that connects when it is first used. It finds Postgres's own names and no others: in a schema where an
 * application may create, a function whose arguments fit better would be called in the place of Postgres's own, with Muster's
 * rights. Whatever else a statement names, it names with its schema.
 *
 * @see https://www.postgresql.org/about/news/1834/ (CVE-2018-1058)
 */
export function openSession(settings: PgSettings, address: string, { target, limitMs }: SessionWish): Session {
  const socket = new Socket();
  const client = new pg.Client({
    host: address,
    port: target.port,
    user: target.user,
    password: target.password,
    database: target.database,
    application_name: "muster",
    // As a setting of the session's start it counts for more than what is set for the role or the database, and before any statement.
    options: "-c search_path=pg_catalog",
    connectionTimeoutMillis: Math.min(limitMs, settings.connectTimeoutMs),
    statement_timeout: limitMs,
    lock_timeout: limitMs,
    idle_in_transaction_session_timeout: limitMs,
    ssl: sslOf(settings, target),
    stream: () => socket,
  });
  let open = true;
  let connected: Promise<unknown> | undefined;
  client.on("end", () => (open = false));
  // A server that dies ends its connections by surprise; the query that was under way tells it.
  client.on("error", () => (open = false));
  const sql: Sql = {
    ...(target.aurora === undefined ? {} : { aurora: target.aurora }),
    query: async <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) =>
      (await client.query<Row>(text, values)).rows,
  };
  return {
    target,
    limitMs,
    address,
    async ready() {
      await (connected ??= client.connect());
      return sql;
    },
    isOpen: () => open,
    end() {
      open = false;
      // A polite goodbye may wait for ever on a dead line.
      void client.end().catch(() => undefined);
      setImmediate(() => socket.destroySoon());
    },
    break() {
      open = false;
      socket.destroy();
    },
  };
}

/** How long a session stays open that nobody uses, in wall milliseconds. */
const idleMs = 60_000;

/**
 * Sessions that are used again: a handshake every few seconds costs a database more than the look it is for. One is used
 * again only while its host's name leads where it led, because a name may move to another server; and by one look at a time.
 */
export class KeptSessions {
  readonly #idle = new Map<Session, NodeJS.Timeout>();
  #closed = false;

  /** Takes out a free session with one of the servers that the host's name leads to now. */
  take(addresses: readonly string[], { target, limitMs }: SessionWish): Session | undefined {
    for (const [session, timer] of this.#idle) {
      if (!sameTarget(session.target, target) || session.limitMs !== limitMs) continue;
      clearTimeout(timer);
      this.#idle.delete(session);
      if (session.isOpen() && addresses.includes(session.address)) return session;
      session.end();
    }
    return undefined;
  }

  /** Puts a session back that served well. */
  give(session: Session): void {
    if (this.#closed || !session.isOpen()) return session.end();
    this.#idle.set(session, setTimeout(() => this.#drop(session), idleMs).unref());
  }

  /** Ends them all, and whatever is put back later. */
  close(): void {
    this.#closed = true;
    for (const session of this.#idle.keys()) this.#drop(session);
  }

  #drop(session: Session): void {
    clearTimeout(this.#idle.get(session));
    this.#idle.delete(session);
    session.end();
  }
}

const sameTarget = (one: PgTarget, other: PgTarget): boolean =>
  one.host === other.host &&
  one.port === other.port &&
  one.user === other.user &&
  one.password === other.password &&
  one.database === other.database &&
  one.ssl === other.ssl &&
  one.aurora === other.aurora;

function sslOf(settings: PgSettings, target: PgTarget): pg.ClientConfig["ssl"] {
  if (target.ssl === "disable") return false;
  if (target.ssl === "require") return { rejectUnauthorized: false };
  return { servername: target.host, ...(settings.ca ? { ca: settings.ca } : {}) };
}
