import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as wallMilliseconds } from "node:timers/promises";
import type { Knobs } from "./knobs.ts";
import { listenHttp, readBody } from "./listening.ts";
import { openSessions, type Sessions, type SessionSettings } from "./pod-sessions.ts";

/** What a program of the shop is given where it runs. */
export type AppSettings = SessionSettings;

type Options = AppSettings & {
  host: string;
  power: Pick<Knobs, "down">;
  pod: string;
  region: string;
  /** Left out for a program that keeps no data: it is healthy whenever it runs. */
  databaseHost?: string;
};

export type App = {
  host: string;
  port: number;
  /** Finishes what is under way, then ends the program and its database sessions. */
  stop(): Promise<void>;
};

type Reply = { status: number; body: object };

/** Starts a program: it takes orders into the database that its config named when it started, and tells its health. */
export async function startApp(options: Options): Promise<App> {
  const { host, power, pod, region, databaseHost } = options;
  const sessions = databaseHost === undefined ? undefined : openSessions({ ...options, databaseHost });

  const answer = async (request: IncomingMessage): Promise<Reply> => {
    const what = `${request.method} ${request.url?.split("?")[0]}`;
    try {
      if (what === "GET /health") {
        const { status, body } = sessions ? await databaseHealth(sessions) : { status: 200, body: { ok: true } };
        return { status, body: { ...body, pod, region, ...(sessions ? { database: databaseHost } : {}) } };
      }
      if (what === "POST /orders" && sessions) {
        const { status, body } = await order(sessions, await readBody(request));
        return { status, body: { ...body, pod, region } };
      }
      if (what.startsWith("GET /orders/") && sessions) {
        const { status, body } = await findOrder(sessions, what.slice("GET /orders/".length));
        return { status, body: { ...body, pod, region } };
      }
      return { status: 404, body: { error: "no such page" } };
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
      await sessions?.end();
      await listening.close();
    },
  };
}

async function databaseHealth(sessions: Sessions): Promise<Reply> {
  const sql = "select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as read_only";
  const [row] = await sessions.query<{ read_only: boolean }>(sql);
  const writable = row?.read_only === false;
  return { status: writable ? 200 : 503, body: { ok: writable, writable } };
}

async function order(sessions: Sessions, body: string): Promise<Reply> {
  const wanted = readOrder(body);
  if (!wanted) return { status: 400, body: { error: "an order has number, customer and totalCents" } };
  const { number, customer, totalCents } = wanted;
  const sql = "insert into orders (number, customer, total_cents) values ($1, $2, $3)";
  await sessions.query(sql, [number, customer, totalCents]);
  return { status: 201, body: { number } };
}

/** Whether an order is held, as far as the database knows that the program asks: a replica may not know of it yet. */
async function findOrder(sessions: Sessions, number: string): Promise<Reply> {
  if (!/^[1-9]\d{0,14}$/.test(number)) return { status: 400, body: { error: "an order has a number" } };
  const rows = await sessions.query("select from orders where number = $1 limit 1", [number]);
  return rows.length > 0
    ? { status: 200, body: { number: Number(number) } }
    : { status: 404, body: { error: "no such order" } };
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
