import express, { type NextFunction, type Request, type Response } from "express";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sql } from "kysely";
import { call } from "./call.ts";
import type { Context } from "./context.ts";
import { messageOf, UserError } from "./errors.ts";
import type { Scrape } from "./metrics/open.ts";
import { shareLook } from "./shared-look.ts";
import { slackPath, type Door } from "./slack/requests.ts";

export type HttpServer = { port: number; close(): Promise<void> };

/** Larger than anything Slack posts: a click brings its whole message along. */
const mostSlackBytes = 1024 * 1024;

/** For how long one look whether Muster may write answers everybody who asks: whoever reaches the port costs no more. */
const readyKeptMs = 1000;

/** What else is served than Muster's own health. */
type Served = { metrics: Pick<Scrape, "read">; slack?: Door | undefined };

/**
 * Serves /healthz (the process lives), /readyz (it can do its duty: its database takes writes, its clock is right) and /metrics, and, where
 * Slack posts to us, the door it posts to.
 */
export async function openHttp(ctx: Context, port: number, { metrics, slack }: Served): Promise<HttpServer> {
  const app = express().disable("x-powered-by");
  const mayWrite = shareLook(() => tryToWrite(ctx), readyKeptMs);
  const scrape = shareLook(() => metrics.read(), 0);
  app.get("/healthz", (_request, response) => void response.send("alive\n"));
  app.get("/readyz", async (_request, response) => {
    const refusal = ctx.hostClock?.refusal;
    if (refusal !== undefined) return void response.status(503).send(`${refusal}\n`);
    try {
      await mayWrite();
      response.send("ready\n");
    } catch (error) {
      ctx.log.warn({ error: messageOf(error) }, "not ready");
      response.status(503).send("Muster's database takes no writes\n");
    }
  });
  app.get("/metrics", async (_request, response) => {
    const { contentType, text } = await scrape();
    response.type(contentType).send(text);
  });
  if (slack) {
    // The signature is over the very bytes: nothing is parsed or unpacked before it was checked.
    app.post(slackPath, express.raw({ type: () => true, limit: mostSlackBytes, inflate: false }), (request, response) =>
      letIn(slack, request, response),
    );
  }
  app.use(sayNoMore);
  const server = createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once("listening", resolve).once("error", (error: NodeJS.ErrnoException) => reject(taken(port, error)));
    server.listen(port);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // After what was answered in this very moment has been written.
        setImmediate(() => server.closeAllConnections());
      }),
  };
}

/**
 * A database with a full disk, or one that has become a replica, answers and does not write. One that is silent is given up like
 * any call: nobody waits longer, and the next look may find a connection that lives.
 */
async function tryToWrite(ctx: Context): Promise<void> {
  const write = sql`
    insert into muster.turn (duty, holder, until) values ('ready', ${ctx.worker}, clock_timestamp())
    on conflict (duty) do update set holder = excluded.holder, until = excluded.until`;
  await call(ctx, "db.ready", () => write.execute(ctx.db));
}

const taken = (port: number, error: NodeJS.ErrnoException): UserError =>
  new UserError({
    happened: `Port ${port} could not be listened at (${error.code ?? error.message}).`,
    means: "Muster did not start, and touched nothing.",
    todo: "Set HTTP_PORT to a port that is free here; 0 takes any.",
  });

async function letIn(slack: Door, request: Request, response: Response): Promise<void> {
  const body: unknown = request.body;
  const answer = await slack({ headers: request.headers, body: Buffer.isBuffer(body) ? body : Buffer.alloc(0) });
  response.status(answer.status).send(answer.body);
}

/** Ends a request that failed with its status alone; Express would show where in our code it failed. */
function sayNoMore(error: { status?: number }, _request: Request, response: Response, _next: NextFunction): void {
  response.status(error.status ?? 500).end();
}
