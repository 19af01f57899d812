import { createServer as createHttp } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createHttps } from "node:https";
import { createServer as createTcp } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import type { Knobs } from "./knobs.ts";

export type Listening = {
  port: number;
  /** Ends the server and every connection to it, also those that nobody answers. */
  close(): Promise<void>;
};

type Options = {
  host: string;
  port?: number;
  knobs: Pick<Knobs, "down">;
  /** With a certificate it speaks https. */
  tls?: { cert: string; key: string };
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** Told of a connection or a request that nobody answers; it ends with its caller. */
  onSilence?: (caller: Socket | ServerResponse) => void;
};

/**
 * Opens an HTTP server that can be dead. Behind "silent" it takes connections and lets them hang, as a region without
 * power behind a live network does: not even a TLS handshake is answered. Behind "refuses" it resets them.
 */
export async function listenHttp({ host, port = 0, knobs, tls, handle, onSilence }: Options): Promise<Listening> {
  const inner = tls ? createHttps(tls) : createHttp();
  const sockets = new Set<Socket>();
  inner.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (knobs.down === "refuses") request.socket.destroy();
    else if (knobs.down === "silent") onSilence?.(response);
    else {
      handle(request, response).catch((error: unknown) => confess(response, error));
    }
  });
  inner.on("clientError", (_error, socket) => socket.destroy());
  inner.on("tlsClientError", (_error, socket: Socket) => socket.destroy());

  const front = createTcp((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    if (knobs.down === "refuses") socket.resetAndDestroy();
    else if (knobs.down === "silent") {
      onSilence?.(socket);
      socket.resume();
    } else inner.emit("connection", socket);
  });
  await new Promise<void>((resolve, reject) => {
    front.once("error", reject);
    front.listen({ host, port }, resolve);
  });
  return {
    port: (front.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        front.close(() => resolve());
        for (const socket of sockets) socket.destroy();
        inner.close();
      }),
  };
}

/** A fault of the lab itself, or a caller who hung up: never left unanswered, never the end of the process. */
function confess(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(500, { "content-type": "text/plain" }).end(`The lab failed: ${String(error)}\n`);
}

/** Reads a request's whole body as text. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}
