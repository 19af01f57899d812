import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";
import { serveCall, type Api } from "./api-call.ts";
import { statusPage } from "./estate.ts";
import { History } from "./history.ts";
import { Knobs } from "./knobs.ts";
import { listenHttp } from "./listening.ts";
import type { RequestLog } from "./request-log.ts";
import { type Component, type Incident, type PageState, reduceIncident } from "./statuspage-incidents.ts";
import { refusal, readCall } from "./statuspage-routes.ts";
import { WindowLimit } from "./window-limit.ts";

/** The switches of the lab's status page. "throttle" is answered like a limit that was hit. */
export class StatusPageKnobs extends Knobs {
  /** What a limit that is hit is answered with; both are seen in practice. */
  throttledStatus: 420 | 429 = 429;
  retryAfterSeconds = 60;
  /** Every request is answered with this, whatever its token. */
  tokenRefused: false | 401 | 403 = false;
}

export type LabStatusPage = {
  knobs: StatusPageKnobs;
  /** Where its API is, as settings name it. */
  url: string;
  /** The key that may change the page. */
  token: string;
  /** All incidents, the newest first. */
  incidents(): readonly Incident[];
  components(): readonly Component[];
  /** What one component shows. @throws Error when there is none of this id */
  statusOf(componentId: string): string;
  /** What somebody does on the page's own site: sets a component. */
  setComponent(id: string, status: string): void;
  /** What somebody does on the page's own site: opens an incident, changes one, deletes one. */
  edit(incidents: (before: readonly Incident[]) => Incident[]): void;
  close(): Promise<void>;
};

const first: PageState = {
  incidents: [],
  components: [
    { id: statusPage.components.basket, name: "Basket", status: "operational" },
    { id: statusPage.components.payment, name: "Payment", status: "operational" },
    { id: statusPage.components.newsletter, name: "Newsletter", status: "operational" },
  ],
};

/** Opens one status page: the API of Statuspage as far as a page's incidents and components go, on plain HTTP. */
export async function openStatusPage(options: { log: RequestLog; clock: Clock; host: string }): Promise<LabStatusPage> {
  const { log, clock, host } = options;
  const knobs = new StatusPageKnobs();
  const token = randomBytes(16).toString("hex");
  const state = new History<PageState>(clock, first);
  const limit = new WindowLimit(clock, { calls: 60, seconds: 60 });
  const busy = () => {
    const headers = { "retry-after": String(knobs.retryAfterSeconds) };
    return refusal(knobs.throttledStatus, "You have exceeded the rate limit.", headers);
  };
  const api: Api = {
    server: "statuspage",
    log,
    clock,
    knobs,
    failed: refusal(500, "Internal server error"),
    get throttled() {
      return busy();
    },
  };
  const listening = await listenHttp({
    host,
    knobs,
    handle: async (request, response) => {
      const call = await readCall(request, {
        page: statusPage.page,
        token,
        refused: () => (knobs.tokenRefused ? refusal(knobs.tokenRefused, "Could not authenticate") : undefined),
        busy: () => (limit.take() ? undefined : busy()),
        read: () => state.read(knobs.readLagSeconds),
        now: () => state.now,
        write: (next) => state.write(next),
        reduce: reduceIncident(clock),
      });
      return serveCall(api, call, response);
    },
    onSilence: (caller) => log.unanswered("statuspage", "connect", "", caller),
  });
  return {
    knobs,
    token,
    url: `http://${host}:${listening.port}/v1`,
    incidents: () => state.now.incidents,
    components: () => state.now.components,
    statusOf(componentId) {
      const found = state.now.components.find(({ id }) => id === componentId);
      if (!found) throw new Error(`the status page has no component ${componentId}`);
      return found.status;
    },
    setComponent(id, status) {
      const components = state.now.components.map((one) => (one.id === id ? { ...one, status } : one));
      state.write({ ...state.now, components });
    },
    edit: (edited) => state.write({ ...state.now, incidents: edited(state.now.incidents) }),
    close: () => listening.close(),
  };
}
