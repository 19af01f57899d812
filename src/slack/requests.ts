import type { App, Receiver, ReceiverEvent } from "@slack/bolt";
import type { Log } from "../call.ts";
import { messageOf } from "../errors.ts";
import type { SlackRefusal } from "../meters.ts";
import { bodyOf, teamOf } from "./request-body.ts";
import { whyRefused, type SignedRequest } from "./signature.ts";

export type RequestOptions = {
  signingSecret: string;
  log: Log;
  now: () => Date;
  /** The one workspace whose people are heard; undefined where only the token knows it. */
  team: () => string | undefined;
  /** Counts what is turned away. */
  refused?: (reason: SlackRefusal) => void;
};

/** What is sent back over HTTP. */
export type DoorAnswer = { status: number; body?: string | object };

/** Takes one request that somebody posted to Slack's path. Never throws, and says nothing to whoever is not Slack. */
export type Door = (request: SignedRequest) => Promise<DoorAnswer>;

/** Where Slack posts commands and clicks; the app's manifest names it. */
export const slackPath = "/slack/events";

/**
 * Receives what Slack posts, instead of Socket Mode. Everything goes through one door, which opens only for Slack's signature;
 * what comes through is Bolt's, and is acknowledged by the listener, after it was recorded. Bolt's own receiver would take a
 * request from the future.
 */
export class RequestReceiver implements Receiver {
  readonly #options: RequestOptions;
  readonly #open = new Set<Promise<DoorAnswer>>();
  #app: App | undefined;
  #listening = false;

  /** @throws Error when the secret is empty. */
  constructor(options: RequestOptions) {
    if (options.signingSecret.trim() === "")
      throw new Error("Slack's requests cannot be verified with an empty secret");
    this.#options = options;
  }

  init(app: App): void {
    this.#app = app;
  }

  start(): Promise<void> {
    this.#listening = true;
    return Promise.resolve();
  }

  /** Takes nothing more, and waits until what is under way was answered: Slack's three seconds at most. */
  async stop(): Promise<void> {
    this.#listening = false;
    await Promise.all(this.#open);
  }

  readonly door: Door = async (request) => {
    const answer = this.#answer(request);
    this.#open.add(answer);
    return answer.finally(() => this.#open.delete(answer));
  };

  async #answer(request: SignedRequest): Promise<DoorAnswer> {
    const { signingSecret, log, now, team, refused } = this.#options;
    const why = whyRefused(request, signingSecret, now());
    if (why !== undefined) {
      log.warn({ why }, "a request to Slack's path was refused");
      refused?.("sender");
      return { status: 401 };
    }
    const body = bodyOf(request);
    if (body === undefined) return { status: 400 };
    if (body["ssl_check"] === "1") return { status: 200 };
    const ours = team();
    if (ours !== undefined && teamOf(body) !== ours) {
      log.warn({ team: teamOf(body) }, "a request of another workspace was refused");
      refused?.("workspace");
      return { status: 403 };
    }
    if (!this.#listening) return { status: 503 };
    return this.#hand(body, request);
  }

  #hand(body: ReceiverEvent["body"], { headers }: SignedRequest): Promise<DoorAnswer> {
    const { promise, resolve } = Promise.withResolvers<DoorAnswer>();
    const retry = Number(headers["x-slack-retry-num"]);
    const event: ReceiverEvent = {
      body,
      ack: (response: unknown) => {
        resolve({ status: 200, ...(response ? { body: response } : {}) });
        return Promise.resolve();
      },
      ...(Number.isInteger(retry) ? { retryNum: retry, retryReason: String(headers["x-slack-retry-reason"]) } : {}),
    };
    this.#app?.processEvent(event).then(
      // Nobody here listens to that, or it would have been acknowledged.
      () => resolve({ status: 404 }),
      (error: unknown) => {
        this.#options.log.error({ error: messageOf(error) }, "what Slack sent was not dealt with");
        resolve({ status: 500 });
      },
    );
    return promise;
  }
}
