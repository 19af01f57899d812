import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { setTimeout as pause } from "node:timers/promises";
import type { App, Logger, Receiver, ReceiverEvent } from "@slack/bolt";
import { SocketModeClient } from "@slack/socket-mode";
import type { Log } from "../call.ts";
import { messageOf } from "../errors.ts";
import { clientOptions, type SlackSettings } from "../adapters/slack-client.ts";

export type SocketOptions = {
  settings: SlackSettings;
  log: Log;
  logger: Logger;
  /** How many connections are held; Slack sends each payload to any one of them. */
  connections?: number;
  /** Wall milliseconds without a hello, a ping or a payload after which a connection is given up. */
  silenceMs?: number;
};

type Arrival = {
  body: ReceiverEvent["body"];
  ack: (response?: unknown) => Promise<void>;
  retry_num?: number;
  retry_reason?: string;
};

/**
 * Receives what Slack sends over Socket Mode, through two connections, so that one can be renewed while the other listens.
 * The library's own reconnecting is off: it is deaf for five seconds at each refresh and gives up for good on an HTTP error.
 * A connection that ends, or is silent for a minute, is replaced by a new client.
 */
export class SocketReceiver implements Receiver {
  readonly #options: SocketOptions;
  readonly #stopping = new AbortController();
  readonly #live = new Set<SocketModeClient>();
  #app: App | undefined;
  #slots: Promise<void>[] = [];

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  init(app: App): void {
    this.#app = app;
  }

  /** How many connections Slack has greeted. */
  get connected(): number {
    return this.#live.size;
  }

  /** Starts to connect, and goes on trying until it is stopped; does not wait for Slack. */
  start(): Promise<void> {
    const count = this.#options.connections ?? 2;
    this.#slots = Array.from({ length: count }, (_, index) => this.#keepConnected(index * 1500));
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#slots);
  }

  async #keepConnected(delayMs: number): Promise<void> {
    const { signal } = this.#stopping;
    let failures = 0;
    await rest(delayMs, signal);
    while (!signal.aborted) {
      const greeted = await this.#connectOnce(signal);
      failures = greeted ? 0 : failures + 1;
      // A connection that ended after its greeting is replaced at once: Slack renews them every few hours.
      if (failures > 0) await rest(Math.min(30_000, 500 * 2 ** failures), signal);
    }
  }

  /** Holds one connection until it ends. Tells whether Slack ever greeted it. */
  async #connectOnce(signal: AbortSignal): Promise<boolean> {
    const { settings, log, logger, silenceMs = 60_000 } = this.#options;
    const client = new SocketModeClient({
      appToken: settings.appToken ?? "",
      autoReconnectEnabled: false,
      clientOptions: clientOptions(settings),
      logger,
    });
    const ended = Promise.withResolvers<string>();
    const sign = watch(client, silenceMs, () => ended.resolve("it was silent for too long"));
    const stop = () => ended.resolve("stopping");
    let greeted = false;
    client.on("connected", () => {
      greeted = true;
      this.#live.add(client);
    });
    client.on("disconnected", () => ended.resolve("Slack ended it"));
    client.on("slack_event", (arrival: Arrival) => {
      sign.heard();
      void this.#hand(arrival);
    });
    signal.addEventListener("abort", stop, { once: true });
    client.start().catch((error: unknown) => ended.resolve(messageOf(error)));
    const why = await ended.promise;
    this.#live.delete(client);
    sign.stop();
    signal.removeEventListener("abort", stop);
    if (!signal.aborted) log[greeted ? "info" : "warn"]({ why }, "a connection to Slack ended");
    await hangUp(client);
    return greeted;
  }

  async #hand({ body, ack, retry_num: retryNum, retry_reason: retryReason }: Arrival): Promise<void> {
    const event: ReceiverEvent = {
      body,
      ack: (response: unknown) => ack(response ?? {}),
      ...(retryNum === undefined ? {} : { retryNum }),
      ...(retryReason === undefined ? {} : { retryReason }),
    };
    await this.#app?.processEvent(event).catch((error: unknown) => {
      this.#options.log.error({ error: messageOf(error) }, "what Slack sent was not dealt with");
    });
  }
}

/** Calls back when a client has heard nothing for so long: neither hello, nor ping, nor payload. */
function watch(client: SocketModeClient, silenceMs: number, silent: () => void) {
  let timer = setTimeout(silent, silenceMs);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(silent, silenceMs);
  };
  // Pings are told on a channel for all sockets of the process; ours is the one with the address Slack gave this client.
  let url = "";
  const onPing = (message: unknown) => {
    if ((message as { websocket?: { url?: string } }).websocket?.url === url) heard();
  };
  client.on("authenticated", (answer: { url?: string }) => {
    url = new URL(answer.url ?? "ws://none").href;
  });
  client.on("connected", heard);
  subscribe("undici:websocket:ping", onPing);
  return {
    heard,
    stop() {
      clearTimeout(timer);
      unsubscribe("undici:websocket:ping", onPing);
    },
  };
}

/** Ends a client for good. Asked a second time it no longer waits half a minute for the other side's goodbye. */
async function hangUp(client: SocketModeClient): Promise<void> {
  const gone = client.disconnect().catch(() => undefined);
  await Promise.race([gone, pause(250)]);
  await Promise.race([client.disconnect().catch(() => undefined), pause(250)]);
}

async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds, undefined, { signal }).catch(() => undefined);
}
