import type { EventEmitter } from "node:events";
import type { Clock } from "../clock.ts";

/** One request as a lab server saw it: stories and the demo count effects from these, never from what Muster says. */
export type LabRequest = {
  server: string;
  /** What was asked, in the service's own words: "PromoteReadReplica", "PATCH deployments/scale", "chat.postMessage". */
  action: string;
  /** On what: an instance, a zone, "shop/checkout", a channel. */
  resource: string;
  /** On the lab's clock. */
  at: Date;
  /** Wall milliseconds (performance.now) of opening and closing; closed is undefined while it is open. */
  openedAt: number;
  closedAt?: number;
  /** When its caller had gone, where that was after it was closed: it hung. */
  goneAt?: number;
  status?: number | string;
  /** The changes that took hold because of it; a refused or repeated request has none. */
  effects: { target: string; wanted: string }[];
  /** What a policy could ask about it beside action and resource, by AWS's condition keys. */
  context?: Record<string, string[]>;
  /** Lab seconds of delay that the lab drew on behalf of this request (also those that pass after the answer). */
  delaySeconds: number;
};

/** Every request to every server of one lab, in the order they came. */
export class RequestLog {
  readonly all: LabRequest[] = [];
  #open = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Notes that a request arrived. Call `close` exactly once when it was answered or dropped. */
  begin(server: string, action: string, resource: string): LabRequest {
    const request: LabRequest = {
      server,
      action,
      resource,
      at: this.#clock.now(),
      openedAt: performance.now(),
      effects: [],
      delaySeconds: 0,
    };
    this.all.push(request);
    this.#open += 1;
    return request;
  }

  /** Notes that a request is over, whatever its end was. */
  close(request: LabRequest, status: number | string): void {
    if (request.closedAt !== undefined) return void (request.goneAt ??= performance.now());
    request.closedAt = performance.now();
    request.status = status;
    this.#open -= 1;
  }

  /** Notes a caller whom nobody answers until it gives up. Nothing in the lab goes on for it: it is never open. */
  unanswered(server: string, action: string, resource: string, caller: Pick<EventEmitter, "once">): void {
    const request = this.begin(server, action, resource);
    this.close(request, "hangs");
    caller.once("close", () => this.close(request, "hangs"));
  }

  /** How many requests are open now. A request that hangs on purpose (a dead region) does not count as open: close it first. */
  get open(): number {
    return this.#open;
  }

  /** The requests of one action at one server. */
  of(server: string, action: string): LabRequest[] {
    return this.all.filter((request) => request.server === server && request.action === action);
  }
}
