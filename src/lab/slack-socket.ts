import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { RequestLog } from "./request-log.ts";
import type { SlackKnobs } from "./slack-knobs.ts";
import type { Json } from "./slack-workspace.ts";

/** Slack waits so long for an acknowledgement, on the wall. */
export const ackMilliseconds = 3000;
const pingMilliseconds = 10_000;
const goodbyeMilliseconds = 200;
const mostConnections = 10;

export type Envelope = {
  type: "slash_commands" | "interactive" | "events_api";
  payload: Json;
  accepts_response_payload: boolean;
  retry_attempt?: number;
  retry_reason?: string;
};

/** What became of one payload that Slack sent to the app. */
export type Delivery = {
  envelope: Envelope;
  acknowledged: boolean;
  /** What the app put into its acknowledgement. */
  answer: Json;
  /** Why nobody acknowledged. */
  failure?: "no app is connected" | "not acknowledged within 3 s";
  milliseconds: number;
  /** Where it went over HTTP: the very request, and the status it was answered with. */
  posted?: Posted;
  status?: number;
  /** The app asked that it be not tried again. */
  noRetry?: boolean;
};

export type Posted = { body: string; headers: Record<string, string> };

type Connection = { socket: WebSocket; deaf: false | "payloads" | "everything" };

/** Slack's end of Socket Mode: up to ten connections, a payload to any one of them, an answer within 3 seconds. */
export class SocketMode {
  readonly #server = new WebSocketServer({ noServer: true, autoPong: false });
  readonly #connections = new Set<Connection>();
  readonly #tickets = new Set<string>();
  readonly #waiting = new Map<string, (answer: Json) => void>();
  readonly #knobs: SlackKnobs;
  readonly #log: RequestLog;
  readonly #appId: string;
  readonly #tick: NodeJS.Timeout;
  readonly #ending = new AbortController();
  #sincePing = 0;

  constructor(options: { knobs: SlackKnobs; log: RequestLog; appId: string }) {
    this.#knobs = options.knobs;
    this.#log = options.log;
    this.#appId = options.appId;
    this.#tick = setInterval(() => this.#keepUp(), 250);
    this.#tick.unref();
  }

  /** Aborts when this Slack goes away. */
  get closing(): AbortSignal {
    return this.#ending.signal;
  }

  /** How many connections the app holds. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Issues the ticket of one connection, used up by opening it. */
  issueTicket(): string {
    const ticket = randomUUID();
    this.#tickets.add(ticket);
    return ticket;
  }

  /** Takes over an HTTP connection that asks to become a web socket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const ticket = new URL(request.url ?? "/", "http://slack").searchParams.get("ticket") ?? "";
    if (this.#knobs.down === "silent") return;
    if (this.#knobs.down === "refuses" || !this.#tickets.delete(ticket)) {
      socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (opened) => this.#welcome(opened));
  }

  #welcome(socket: WebSocket): void {
    const connection: Connection = { socket, deaf: false };
    // A connection that breaks is one that is gone; the app opens another.
    socket.on("error", () => socket.terminate());
    socket.on("close", () => this.#connections.delete(connection));
    socket.on("ping", (data) => {
      if (connection.deaf !== "everything" && this.#knobs.down !== "silent") socket.pong(data);
    });
    socket.on("message", (data) => this.#take(connection, data as Buffer));
    if (this.#connections.size >= mostConnections) {
      this.#say(connection, { type: "disconnect", reason: "too_many_websockets" });
      socket.close();
      return;
    }
    this.#connections.add(connection);
    this.#say(connection, {
      type: "hello",
      num_connections: this.#connections.size,
      connection_info: { app_id: this.#appId },
      debug_info: { host: "lab", build_number: 1, approximate_connection_time: 18_060 },
    });
  }

  #take(connection: Connection, data: Buffer): void {
    if (connection.deaf || this.#knobs.down || this.#knobs.acksLost) return;
    const { envelope_id, payload } = JSON.parse(data.toString()) as { envelope_id: string; payload?: Json };
    this.#waiting.get(envelope_id)?.(payload ?? {});
  }

  #say(connection: Connection, frame: Json): void {
    if (connection.deaf || this.#knobs.down) return;
    connection.socket.send(JSON.stringify(frame));
  }

  /** Sends one payload to the app, and waits for its acknowledgement. A payload nobody takes is lost, as Slack's are. */
  async deliver(envelope: Envelope, action: string, resource: string): Promise<Delivery> {
    const id = randomUUID();
    const request = this.#log.begin("slack", action, resource);
    const open = [...this.#connections].filter(({ socket }) => socket.readyState === socket.OPEN);
    const answer = await new Promise<Json | undefined>((resolve) => {
      if (open.length === 0) return resolve(undefined);
      const timer = setTimeout(() => resolve(undefined), ackMilliseconds);
      this.#waiting.set(id, (payload) => {
        clearTimeout(timer);
        resolve(payload);
      });
      if (this.#knobs.eventsLost || this.#knobs.down) return;
      for (let copy = 0; copy < this.#knobs.deliveries; copy += 1) {
        const chosen = open[Math.floor(this.#knobs.random() * open.length)];
        if (chosen) this.#say(chosen, { envelope_id: id, ...envelope });
      }
    });
    this.#waiting.delete(id);
    this.#log.close(request, answer ? "acknowledged" : "not acknowledged");
    const milliseconds = performance.now() - request.openedAt;
    if (answer) return { envelope, acknowledged: true, answer, milliseconds };
    const failure = open.length === 0 ? "no app is connected" : "not acknowledged within 3 s";
    return { envelope, acknowledged: false, answer: {}, failure, milliseconds };
  }

  /** Sends once more what was sent before, word for word. */
  again({ envelope }: Delivery): Promise<Delivery> {
    return this.deliver(envelope, "replay", "");
  }

  /** Asks the app to reconnect, as Slack does every few hours; "warning" comes about 10 s before the end. */
  refresh(reason: "warning" | "refresh_requested" | "link_disabled" = "refresh_requested"): void {
    for (const connection of this.#connections) this.#say(connection, { type: "disconnect", reason });
  }

  /** Makes the present connections deaf: "payloads" keeps pings going, "everything" leaves them unanswered too. */
  deafen(to: "payloads" | "everything"): void {
    for (const connection of this.#connections) connection.deaf = to;
  }

  /** Breaks every connection without a word. */
  cut(): void {
    for (const { socket } of this.#connections) socket.terminate();
  }

  #keepUp(): void {
    if (this.#knobs.down === "refuses") return this.cut();
    this.#sincePing += 250;
    if (this.#sincePing < pingMilliseconds) return;
    this.#sincePing = 0;
    for (const { socket, deaf } of this.#connections) {
      if (deaf !== "everything" && this.#knobs.down !== "silent" && socket.readyState === socket.OPEN) socket.ping();
    }
  }

  /** Closes every connection and stops pinging. A client that is cut off in mid-goodbye waits 30 s, so they end in order. */
  async close(): Promise<void> {
    clearInterval(this.#tick);
    this.#ending.abort();
    const gone = [...this.#connections].map(({ socket }) => new Promise((resolve) => socket.once("close", resolve)));
    for (const { socket } of this.#connections) socket.close(1001);
    const patience = setTimeout(() => this.cut(), goodbyeMilliseconds);
    await Promise.all(gone);
    clearTimeout(patience);
    this.#server.close();
  }
}
