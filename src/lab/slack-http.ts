import type { IncomingMessage, ServerResponse } from "node:http";
import { STATUS_CODES } from "node:http";
import type { Clock } from "../clock.ts";
import type { RequestLog } from "./request-log.ts";
import { type Method, Params, Refusal, type Slackdom } from "./slack-method.ts";
import { methods } from "./slack-methods.ts";
import { Rates } from "./slack-rates.ts";
import type { Responses } from "./slack-responses.ts";
import { isJson, type Json } from "./slack-workspace.ts";

type Options = {
  slack: Slackdom;
  log: RequestLog;
  clock: Clock;
  tokens: { bot: string; app: string };
  responses: Responses;
};

/** What is sent back; `retryAfter` in lab seconds. */
type Answer = { status: number; body: Json | string; retryAfter?: number };

/** Serves Slack's Web API and its response_urls over HTTP. */
export class SlackHttp {
  readonly #options: Options;
  readonly #rates: Rates;

  constructor(options: Options) {
    this.#options = options;
    this.#rates = new Rates(options.clock);
  }

  /** Answers one HTTP request as Slack would, faults included. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? "/", "http://slack").pathname;
    if (path.startsWith("/upload/v1/")) return this.#takeUpload(path.slice(11), await readBytes(request), response);
    const body = (await readBytes(request)).toString("utf8");
    if (path.startsWith("/api/")) return this.#serveMethod(path.slice(5), request, body, response);
    if (path.startsWith("/commands/") || path.startsWith("/actions/")) return this.#serveUrl(path, body, response);
    this.#send(response, { status: 404, body: "" });
  }

  async #serveMethod(name: string, request: IncomingMessage, body: string, response: ServerResponse): Promise<void> {
    const values = parse(request, body);
    const params = new Params(values);
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    const token = request.headers.authorization?.replace(/^Bearer /, "") ?? params.text("token");
    const resource = params.text("channel") ?? params.text("channel_id") ?? "";
    await this.#withFaults(name, method?.changes ?? false, resource, response, (entry) => {
      const refusal = this.#refuseToken(token, method);
      if (refusal) return { status: 200, body: { ok: false, error: refusal } };
      if (!method) return { status: 200, body: { ok: false, error: "unknown_method" } };
      const wait = this.#wait(name, method, params.text("channel") ?? "");
      if (wait !== undefined) return { status: 429, body: { ok: false, error: "ratelimited" }, retryAfter: wait };
      return { status: 200, body: { ok: true, ...method.run(this.#options.slack, params, entry) } };
    });
  }

  async #takeUpload(ticket: string, bytes: Buffer, response: ServerResponse): Promise<void> {
    const { files } = this.#options.slack;
    await this.#withFaults("upload", true, "", response, () =>
      files.take(ticket, bytes) ? { status: 200, body: `OK - ${bytes.length}` } : { status: 400, body: "Bad Request" },
    );
  }

  async #serveUrl(path: string, body: string, response: ServerResponse): Promise<void> {
    const { slack, responses } = this.#options;
    await this.#withFaults("response_url", true, "", response, (entry) => {
      const address = responses.find(path);
      entry.resource = address.channel;
      const answer = JSON.parse(body) as unknown;
      if (!isJson(answer)) throw new Refusal("invalid_payload");
      responses.answer(slack, path, answer);
      return { status: 200, body: "ok" };
    });
  }

  async #withFaults(
    action: string,
    changes: boolean,
    resource: string,
    response: ServerResponse,
    run: (entry: ReturnType<RequestLog["begin"]>) => Answer,
  ): Promise<void> {
    const { slack, log, clock } = this.#options;
    const { knobs } = slack;
    const entry = log.begin("slack", action, resource);
    const drop = (why: string) => {
      log.close(entry, why);
      if (why === "refused") response.destroy();
    };
    if (knobs.down) return drop(knobs.down === "refuses" ? "refused" : "silent");
    if (knobs.hooksLost && action === "response_url") return drop("refused");
    await knobs.dawdle(clock);
    const fault = knobs.draw(action, changes);
    if (fault === "hang") return drop("silent");
    let answer: Answer;
    if (knobs.proxyRefuses) {
      answer = { status: knobs.proxyRefuses, body: "<html>The proxy lets nobody out.</html>" };
    } else if (fault === "throttle") {
      answer = { status: 429, body: { ok: false, error: "ratelimited" }, retryAfter: knobs.retryAfterSeconds };
    } else if (fault === "fail-before" || (knobs.postingDown && posts.includes(action))) {
      answer = knobs.recites ? { ...serverError, body: knobs.recites() } : serverError;
    } else {
      answer = attempt(() => run(entry));
      if (fault === "hang-after") return drop("silent after the effect");
      if (fault === "fail-after") answer = serverError;
    }
    // Closed first: whoever reads the answer may look at the log at once.
    log.close(entry, isJson(answer.body) && answer.body.ok === false ? String(answer.body.error) : answer.status);
    this.#send(response, answer);
  }

  /** Says how many lab seconds a call comes too early, if it does. */
  #wait(name: string, method: Method, channel: string): number | undefined {
    const { slack, clock } = this.#options;
    const left = ((slack.knobs.throttled.get(name)?.getTime() ?? 0) - clock.now().getTime()) / 1000;
    if (left > 0) return Math.ceil(left);
    return slack.knobs.limitsRates ? this.#rates.take(name, method.tier, channel) : undefined;
  }

  #send(response: ServerResponse, { status, body, retryAfter }: Answer): void {
    const json = typeof body !== "string";
    response.writeHead(status, STATUS_CODES[status], {
      "content-type": json ? "application/json; charset=utf-8" : "text/plain; charset=utf-8",
      "x-oauth-scopes": [...this.#options.slack.knobs.scopes].join(","),
      ...(retryAfter !== undefined && { "retry-after": String(retryAfter) }),
    });
    response.end(json ? JSON.stringify(body) : body);
  }

  #refuseToken(token: string | undefined, method: Method | undefined): string | undefined {
    const { tokens, slack } = this.#options;
    if (!token) return "not_authed";
    if (token !== tokens.bot && token !== tokens.app) return "invalid_auth";
    if (slack.knobs.tokenRefused) return slack.knobs.tokenRefused;
    return token === (method?.token === "app" ? tokens.app : tokens.bot) ? undefined : "not_allowed_token_type";
  }
}

/** What is lost when only posting is down. */
const posts = ["chat.postMessage", "chat.update", "chat.postEphemeral", "response_url", "files.completeUploadExternal"];
const serverError: Answer = { status: 500, body: "Internal Server Error" };

function attempt(run: () => Answer): Answer {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const body = { ok: false, error: error.message, ...error.extra };
    return { status: error.message.endsWith("_url") ? 404 : 200, body };
  }
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function parse(request: IncomingMessage, body: string): Json {
  if (!request.headers["content-type"]?.startsWith("application/json"))
    return Object.fromEntries(new URLSearchParams(body));
  const value = JSON.parse(body || "{}") as unknown;
  return isJson(value) ? value : {};
}
