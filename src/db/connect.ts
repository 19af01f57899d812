import { Kysely, PostgresDialect, PostgresDriver, sql, type PostgresDialectConfig } from "kysely";
import pg from "pg";
import type { Activity } from "../activity.ts";
import type { Log } from "../call.ts";
import type { Reading } from "../clock.ts";
import type { WallReading } from "../host-clock.ts";
import { hangingUp } from "./hanging-up.ts";
import type { Schema } from "./schema.ts";

/** Muster's own database. */
export type Db = Kysely<Schema>;

export type DbOptions = {
  /** Connections at most. */
  max: number;
  /** Wall milliseconds of a lease: an open transaction lives half as long. */
  leaseMs: number;
  /** Wall milliseconds after which the server ends a statement; a second later its connection is given up. */
  statementTimeoutMs?: number;
  /** Counts connections that are in use, for a lab that must know when nothing is going on. */
  activity?: Activity;
  log?: Log;
  /**
   * For what somebody counts the milliseconds of: connections once open stay open, and the first statement of a transaction is
   * sent with its BEGIN and not after the answer to that, a round trip less.
   */
  hurries?: boolean;
};

/**
 * A connection whose end is heard. The server's end of one that is in use reaches its query, and is an error event besides,
 * which ends the process where nobody listens: between a pool's giving it out and taking it back, nobody does.
 */
export class HeardClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on("error", () => undefined);
  }
}

/** Finds out within a minute that a line is dead on which nobody asks anything. */
export const keptAlive = { keepAlive: true, keepAliveInitialDelayMillis: 30_000 };

/** Opens Muster's database. Connects at the first query; end it with `destroy()`. */
export function openDb(
  url: string,
  { max, leaseMs, statementTimeoutMs = 5_000, activity, log, hurries = false }: DbOptions,
): Db {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: "muster",
    options: "-c search_path=muster",
    connectionTimeoutMillis: statementTimeoutMs,
    statement_timeout: statementTimeoutMs,
    // A worker that stops inside a transaction must not keep others from taking over what it holds.
    idle_in_transaction_session_timeout: Math.ceil(leaseMs / 2),
    types: { getTypeParser },
    ...keptAlive,
    Client: hangingUp(statementTimeoutMs + 1_000),
    ...(hurries ? { pipeline: true, idleTimeoutMillis: 0 } : {}),
  });
  const broke = (error: Error) => log?.warn({ error: error.message }, "a connection to Muster's database ended");
  // An idle connection that the server ends: the next query opens another.
  pool.on("error", broke);
  // One in use tells its query, and itself besides: with nobody listening there, that would end the process.
  pool.on("connect", (client) => client.on("error", broke));
  const config = { pool: activity ? counted(pool, activity) : pool };
  return new Kysely<Schema>({ dialect: hurries ? new HurriedDialect(config) : new PostgresDialect(config) });
}

/** Opens so many connections ahead of the first query. One that cannot be opened is left to that. */
export async function openAhead(db: Db, count: number): Promise<void> {
  const ask = () => sql`select 1`.execute(db);
  await Promise.allSettled(Array.from({ length: count }, ask));
}

class HurriedDialect extends PostgresDialect {
  readonly #config: PostgresDialectConfig;

  constructor(config: PostgresDialectConfig) {
    super(config);
    this.#config = config;
  }

  override createDriver(): PostgresDriver {
    return new HurriedDriver(this.#config);
  }
}

class HurriedDriver extends PostgresDriver {
  override beginTransaction(...begin: Parameters<PostgresDriver["beginTransaction"]>): Promise<void> {
    // On a connection that breaks, the statement that follows hears of it.
    super.beginTransaction(...begin).catch(() => undefined);
    return Promise.resolve();
  }
}

/** Identity columns are bigint; a JavaScript number holds 285,000 years of them at 1,000 a second. */
const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: "text" | "binary") =>
  oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format);

/** Counts every connection that is checked out: that is what a query does from its first byte to its last. */
function counted(pool: pg.Pool, activity: Activity) {
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      activity.inFlight += 1;
      try {
        const client = await pool.connect();
        // The pool makes a new release function at every check-out, good for one call.
        const release = client.release.bind(client);
        client.release = (error) => {
          activity.inFlight -= 1;
          release(error);
        };
        return client;
      } catch (error) {
        activity.inFlight -= 1;
        throw error;
      }
    },
  };
}

/**
 * Reads Muster's clock, so that a Clock shows what the database shows. The answer is taken to be as old as half the
 * round trip.
 */
export async function readClock(db: Db): Promise<Reading & WallReading> {
  const askedAt = performance.now();
  const { rows } = await sql<
    Reading & { wall: Date }
  >`select muster.now() as shows, rate, clock_timestamp() as wall from muster.clock`.execute(db);
  const [row] = rows;
  if (!row) throw new Error("The clock row of Muster's database is gone.");
  const roundTripMs = performance.now() - askedAt;
  const { shows, rate, wall } = row;
  return { shows: new Date(shows.getTime() + (roundTripMs / 2) * rate), rate, wall, roundTripMs };
}
