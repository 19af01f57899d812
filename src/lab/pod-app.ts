import { Resolver } from "node:dns/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import type { LookupFunction } from "node:net";
import { setTimeout as wallMilliseconds } from "node:timers/promises";
import pg from "pg";
import type { Clock } from "../clock.ts";
import { within } from "./deadline.ts";
import type { Knobs } from "./knobs.ts";
import { listenHttp, readBody } from "./listening.ts";

/** What the shop's program is given where it runs. */
export type AppSettings = {
  clock: Clock;
  /** Name server that database host names are looked up at, "ip:port". */
  resolver: string;
  role: { user: string; password: string; database: string };
  databasePort?: number;
  /** Longest wait for the database, in lab seconds. */
  patienceSeconds?: number;
};

type Options = AppSettings & {
  host: string;
  power: Pick<Knobs, "down">;
  pod: string;
  region: string;
  databaseHost: string;
};

export type App = {
  host: string;
  port: number;
  /** Finishes what is under way, then ends the program and its database sessions. */
  stop(): Promise<void>;
};

type Reply = { status: number; body: object };

/** Starts the shop: it takes orders into the database that its config named when it started, and tells its health. */
export async function startApp(options: Options): Promise<App> {
  const { clock, host, power, pod, region, databaseHost, role, patienceSeconds = 5 } = options;
  const sessions = new Set<Socket>();
  const pool = new pg.Pool({
    ...role,
    host: databaseHost,
    port: options.databasePort ?? 5432,
    max: 2,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: 2000,
    application_name: pod,
    stream: () => socketThrough(options.resolver, sessions),
  });
  // A session that the database ends while nobody uses it: the pool opens a new one when one is needed.
  pool.on("error", () => undefined);
  const query = <Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
    within(clock, patienceSeconds, pool.query<Row>(sql, values));

  const health = async (): Promise<Reply> => {
    const sql = "select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as read_only";
    const { rows } = await query<{ read_only: boolean }>(sql);
    const writable = rows[0]?.read_only === false;
    return { status: writable ? 200 : 503, body: { ok: writable, writable, pod, region, database: databaseHost } };
  };
  const order = async (request: IncomingMessage): Promise<Reply> => {
    const wanted = readOrder(await readBody(request));
    if (!wanted) return { status: 400, body: { error: "an order has number, customer and totalCents" } };
    const { number, customer, totalCents } = wanted;
    await query("insert into orders (number, customer, total_cents) values ($1, $2, $3)", [
      number,
      customer,
      totalCents,
    ]);
    return { status: 201, body: { number, pod, region } };
  };
  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const what = `${request.method} ${request.url?.split("?")[0]}`;
    if (what !== "GET /health" && what !== "POST /orders") return { status: 404, body: { error: "no such page" } };
    try {
      return what === "GET /health" ? await health() : await order(request);
    } catch (error) {
      return { status: 503, body: { ok: false, pod, region, database: databaseHost, why: String(error) } };
    }
  };

  let busy = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    busy += 1;
    const { status, body } = await answer(request);
    busy -= 1;
    // A region that lost its power while this was under way says nothing any more.
    if (power.down) return;
    response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
  };
  const listening = await listenHttp({
    host,
    knobs: power,
    handle,
  });
  return {
    host,
    port: listening.port,
    async stop() {
      for (let waited = 0; busy > 0 && waited < 500; waited += 10) await wallMilliseconds(10);
      await Promise.race([pool.end(), wallMilliseconds(500, undefined, { ref: false })]);
      for (const session of sessions) session.destroy();
      await listening.close();
    },
  };
}

function readOrder(body: string): { number: number; customer: string; totalCents: number } | undefined {
  try {
    const { number, customer, totalCents } = JSON.parse(body) as Record<string, unknown>;
    if (!Number.isSafeInteger(number) || !Number.isSafeInteger(totalCents) || typeof customer !== "string")
      return undefined;
    return { number: Number(number), customer, totalCents: Number(totalCents) };
  } catch {
    // Not JSON is not an order.
    return undefined;
  }
}

/** A socket that looks names up at one name server whenever it connects; pg has no setting for that. */
function socketThrough(server: string, sessions: Set<Socket>): Socket {
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
  sessions.add(socket);
  socket.on("close", () => sessions.delete(socket));
  return socket;
}
