import express from "express";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sql } from "kysely";
import type { Context } from "./context.ts";
import { messageOf, UserError } from "./errors.ts";

export type HttpServer = { port: number; close(): Promise<void> };

/** Serves /healthz (the process lives) and /readyz (it can do its duty: its database takes writes). */
export async function openHttp(ctx: Context, port: number): Promise<HttpServer> {
  const app = express().disable("x-powered-by");
  app.get("/healthz", (_request, response) => void response.send("alive\n"));
  app.get("/readyz", async (_request, response) => {
    try {
      // A database with a full disk, or one that has become a replica, answers and does not write.
      await sql`
        insert into muster.turn (duty, holder, until) values ('ready', ${ctx.worker}, clock_timestamp())
        on conflict (duty) do update set holder = excluded.holder, until = excluded.until`.execute(ctx.db);
      response.send("ready\n");
    } catch (error) {
      ctx.log.warn({ error: messageOf(error) }, "not ready");
      response.status(503).send("Muster's database takes no writes\n");
    }
  });
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
        server.closeAllConnections();
      }),
  };
}

const taken = (port: number, error: NodeJS.ErrnoException): UserError =>
  new UserError({
    happened: `Port ${port} could not be listened at (${error.code ?? error.message}).`,
    means: "Muster did not start, and touched nothing.",
    todo: "Set HTTP_PORT to a port that is free here; 0 takes any.",
  });
