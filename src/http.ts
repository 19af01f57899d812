import express from "express";
import type { AddressInfo } from "node:net";
import { sql } from "kysely";
import type { Context } from "./context.ts";
import { messageOf } from "./errors.ts";

export type HttpServer = { port: number; close(): Promise<void> };

/** Serves /healthz (the process lives) and /readyz (it can do its duty: its database answers). */
export async function openHttp(ctx: Context, port: number): Promise<HttpServer> {
  const app = express().disable("x-powered-by");
  app.get("/healthz", (_request, response) => void response.send("alive\n"));
  app.get("/readyz", async (_request, response) => {
    try {
      await sql`select 1`.execute(ctx.db);
      response.send("ready\n");
    } catch (error) {
      ctx.log.warn({ error: messageOf(error) }, "not ready");
      response.status(503).send("Muster's database does not answer\n");
    }
  });
  const server = app.listen(port);
  await new Promise<void>((resolve, reject) => server.once("listening", resolve).once("error", reject));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
