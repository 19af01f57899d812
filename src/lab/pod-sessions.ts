import { Resolver } from "node:dns/promises";
import { Socket } from "node:net";
import type { LookupFunction } from "node:net";
import { setTimeout as wallMilliseconds } from "node:timers/promises";
import pg from "pg";
import type { Clock } from "../clock.ts";
import { within } from "./deadline.ts";

export type SessionSettings = {
  clock: Clock;
  /** Name server that database host names are looked up at, "ip:port". */
  resolver: string;
  role: { user: string; password: string; database: string };
  /** Longest wait for the database, in lab seconds. */
  patienceSeconds?: number;
  /** Whether nobody answers at a database's name by the lab's own doing. */
  isDead?: (databaseHost: string) => boolean;
};

/** A program's sessions with its database. */
export type Sessions = {
  /** @throws when the database refuses, or does not answer in time */
  query<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  end(): Promise<void>;
};

/** Opens at most two sessions of a pod, each when it is first needed; the host's name is looked up for each. */
export function openSessions(options: SessionSettings & { pod: string; databaseHost: string }): Sessions {
  const { clock, role, pod, databaseHost, patienceSeconds = 5, isDead = () => false } = options;
  const sockets = new Set<Socket>();
  const pool = new pg.Pool({
    ...role,
    host: databaseHost,
    port: 5432,
    max: 2,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: 2000,
    application_name: pod,
    stream: () => socketThrough(options.resolver, sockets),
  });
  // A session that the database ends while nobody uses it: the pool opens a new one when one is needed.
  pool.on("error", () => undefined);
  return {
    async query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) {
      return (await within(clock, patienceSeconds, pool.query<Row>(sql, values), () => isDead(databaseHost))).rows;
    },
    async end() {
      await Promise.race([pool.end(), wallMilliseconds(500, undefined, { ref: false })]);
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** A socket that looks names up at one name server whenever it connects; pg has no setting for that. */
function socketThrough(server: string, sockets: Set<Socket>): Socket {
  const resolver = new Resolver({ timeout: 1000, tries: 2 });
  resolver.setServers([server]);
  const lookup: LookupFunction = (name, options, done) => {
    resolver.resolve4(name).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: 4 }));
        if (options.all) done(null, found);
        else done(null, addresses[0] ?? "", 4);
      },
      (error: NodeJS.ErrnoException) => done(error, "", 0),
    );
  };
  const socket = new Socket();
  const connect = socket.connect.bind(socket) as (options: object) => Socket;
  socket.connect = ((port: number, host: string) => connect({ port, host, lookup })) as typeof socket.connect;
  sockets.add(socket);
  socket.on("close", () => sockets.delete(socket));
  return socket;
}
