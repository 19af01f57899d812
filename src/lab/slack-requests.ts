import { createHmac, randomBytes } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { RequestLog } from "./request-log.ts";
import type { SlackKnobs } from "./slack-knobs.ts";
import { ackMilliseconds, type Delivery, type Envelope, type Posted } from "./slack-socket.ts";
import { isJson, type Json } from "./slack-workspace.ts";

type Answered = { status?: number; answer: Json; noRetry?: boolean };
type Options = { knobs: SlackKnobs; log: RequestLog; clock: Clock };

/** Slack's end without Socket Mode: a signed post to the app's request URL for each payload, an answer within 3 seconds. */
export class RequestUrl {
  /** The app's signing secret. */
  readonly signingSecret = randomBytes(16).toString("hex");
  /** Tells where to post to, as the app's settings do; unset, the app uses Socket Mode. */
  url: (() => string | undefined) | undefined;
  readonly #options: Options;
  readonly #ending = new AbortController();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Aborts when this Slack goes away. */
  get closing(): AbortSignal {
    return this.#ending.signal;
  }

  /** Signs a body as Slack does, for a time on the lab's clock. */
  sign(body: string, at: Date = this.#options.clock.now()): Record<string, string> {
    const time = String(Math.floor(at.getTime() / 1000));
    const code = createHmac("sha256", this.signingSecret).update(`v0:${time}:${body}`).digest("hex");
    return { "x-slack-request-timestamp": time, "x-slack-signature": `v0=${code}` };
  }

  /** Posts one payload to the app, as often as Slack is set to, and waits for its answer. */
  async deliver(envelope: Envelope, action: string, resource: string): Promise<Delivery> {
    const body = asPosted(envelope);
    const headers = { ...typeOf(envelope), ...retryOf(envelope), ...this.sign(body) };
    return this.#post(envelope, { body, headers }, action, resource);
  }

  /** Posts once more what was posted before, with the signature of that time. */
  again({ envelope, posted }: Delivery): Promise<Delivery> {
    if (!posted) throw new Error("that was not posted");
    return this.#post(envelope, posted, "replay", "");
  }

  async #post(envelope: Envelope, posted: Posted, action: string, resource: string): Promise<Delivery> {
    const { knobs, log } = this.#options;
    const request = log.begin("slack", action, resource);
    const url = this.url?.();
    const tries = Array.from({ length: knobs.deliveries }, () => this.#postOnce(url, posted));
    // An answer that comes before the others is the one that is shown.
    const { status, answer, noRetry = false } = await Promise.race(tries);
    await Promise.all(tries);
    const acknowledged = status === 200 && !knobs.acksLost;
    log.close(request, acknowledged ? "acknowledged" : "not acknowledged");
    const milliseconds = performance.now() - request.openedAt;
    const delivery = { envelope, posted, milliseconds, noRetry, ...(status === undefined ? {} : { status }) };
    if (acknowledged) return { ...delivery, acknowledged, answer };
    const failure = url === undefined ? "no app is connected" : "not acknowledged within 3 s";
    return { ...delivery, acknowledged, answer: {}, failure };
  }

  async #postOnce(url: string | undefined, { body, headers }: Posted): Promise<Answered> {
    const { knobs } = this.#options;
    if (url === undefined) return { answer: {} };
    if (knobs.eventsLost || knobs.down) {
      await pause(ackMilliseconds, undefined, { signal: this.closing }).catch(() => undefined);
      return { answer: {} };
    }
    const signal = AbortSignal.any([AbortSignal.timeout(ackMilliseconds), this.closing]);
    try {
      const response = await fetch(url, { method: "POST", body, headers, signal, redirect: "error" });
      const noRetry = response.headers.get("x-slack-no-retry") === "1";
      return { status: response.status, answer: readAnswer(await response.text()), noRetry };
    } catch {
      // Nobody there, or nobody in time: to people it is the same.
      return { answer: {} };
    }
  }

  close(): void {
    this.#ending.abort();
  }
}

const asPosted = ({ type, payload }: Envelope): string => {
  if (type === "events_api") return JSON.stringify(payload);
  if (type === "interactive") return new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  return new URLSearchParams(payload as Record<string, string>).toString();
};

const typeOf = ({ type }: Envelope): Record<string, string> => ({
  "content-type": type === "events_api" ? "application/json" : "application/x-www-form-urlencoded",
});

/** Slack says so of events that it tries again; commands and clicks it sends once. */
const retryOf = ({ retry_attempt: attempt, retry_reason: reason = "" }: Envelope): Record<string, string> =>
  attempt ? { "x-slack-retry-num": String(attempt), "x-slack-retry-reason": `http_${reason}` } : {};

function readAnswer(text: string): Json {
  if (text === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return isJson(value) ? value : { text };
  } catch {
    return { text };
  }
}
