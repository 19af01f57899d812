import { Agent, request, type Dispatcher } from "undici";
import { z } from "zod";
import { call, type CallContext } from "../call.ts";
import type { Names } from "./dns.ts";
import { answeredWith, pageTroubleOf } from "./statuspage-trouble.ts";

/** Most that one list may hold: more pages than these are not asked for. */
const pageSize = 100;
const mostPages = 10;

/** What all status pages are reached through. */
export type StatusPages = { url: string; dispatcher: Dispatcher; close(): Promise<void> };

/** One status page: its id, the key that opens it, and the wait for its next request. */
export type StatusPage = Pick<StatusPages, "url" | "dispatcher"> & {
  page: string;
  token: string;
  /** Waits until the page may be asked once more: Statuspage takes one request a second for a key. */
  turn(): Promise<void>;
};

/** Where customers read that an incident stands. */
export type IncidentStatus = "investigating" | "identified" | "monitoring" | "resolved";

/** From well to ill. */
export const componentStatuses = [
  "operational",
  "under_maintenance",
  "degraded_performance",
  "partial_outage",
  "major_outage",
] as const;
export type ComponentStatus = (typeof componentStatuses)[number];

const component = z.object({ id: z.string(), name: z.string(), status: z.string() });
export type Component = z.infer<typeof component>;

const incident = z
  .object({
    id: z.string(),
    status: z.string(),
    shortlink: z.string().nullish(),
    metadata: z.record(z.string(), z.unknown()).nullish(),
    components: z.array(z.object({ id: z.string() })).nullish(),
  })
  .transform(({ shortlink, metadata, components, ...rest }) => ({
    ...rest,
    ...(shortlink ? { link: shortlink } : {}),
    metadata: metadata ?? {},
    /** Ids of the components it names. */
    components: (components ?? []).map(({ id }) => id),
  }));
export type Incident = z.infer<typeof incident>;

/** What an incident is to say from now on; components that are not named stay as they are. */
export type IncidentChange = {
  status: IncidentStatus;
  body: string;
  components: Record<string, ComponentStatus>;
  /** Replaces what was there. Every value at its top must be an object. */
  metadata: Record<string, unknown>;
};

/** Makes what status pages are reached through. Nothing is connected before the first call. */
export function makeStatusPages(settings: {
  url?: string | undefined;
  names: Names;
  ca?: string[] | undefined;
}): StatusPages {
  const { url = "https://api.statuspage.io/v1", names, ca } = settings;
  const connect = { lookup: names.lookup, ...(ca ? { ca } : {}) };
  // A connection a call: one that is kept may be dead, and a create over it would be of doubtful outcome.
  const dispatcher = new Agent({ connect, pipelining: 0, maxResponseSize: 10_000_000 });
  return { url: url.replace(/\/+$/, ""), dispatcher, close: () => dispatcher.destroy() };
}

/** Lists the components of a page: the first thousand. @throws PageFailed */
export function listComponents(ctx: CallContext, page: StatusPage): Promise<Component[]> {
  const answer = z.array(component);
  return listAll((query) => askPage(ctx, page, "ListComponents", { path: "/components", query, answer }));
}

/** Lists the incidents of a page that are not resolved, without planned maintenance: the first thousand. @throws PageFailed */
export function listOpenIncidents(ctx: CallContext, page: StatusPage): Promise<Incident[]> {
  const path = "/incidents/unresolved";
  const answer = z.array(incident);
  return listAll((query) => askPage(ctx, page, "ListOpenIncidents", { path, query, answer }));
}

/** Reads one incident, open or not. @throws PageFailed; one that was deleted is refused with 404. */
export function getIncident(ctx: CallContext, page: StatusPage, id: string): Promise<Incident> {
  return askPage(ctx, page, "GetIncident", { path: pathOf(id), answer: incident });
}

/**
 * Opens an incident that names components; only those in `components` get another status. Statuspage has no key against
 * doing it twice: put one into the metadata, and look for it with `listOpenIncidents` before a create of doubtful outcome
 * is repeated. Subscribers are told.
 * @throws PageFailed
 * @see https://developer.statuspage.io/#operation/postPagesPageIdIncidents
 */
export function createIncident(
  ctx: CallContext,
  page: StatusPage,
  { name, naming, ...change }: IncidentChange & { name: string; naming: string[] },
): Promise<Incident> {
  const body = { incident: { name, ...clean(ctx, change), component_ids: naming } };
  return askPage(ctx, page, "CreateIncident", { method: "POST", path: "/incidents", body, answer: incident });
}

/** Adds an update to an incident. Twice is two updates: a key in the metadata tells whether one arrived. @throws PageFailed */
export function updateIncident(
  ctx: CallContext,
  page: StatusPage,
  { id, ...change }: IncidentChange & { id: string },
): Promise<Incident> {
  const body = { incident: clean(ctx, change) };
  return askPage(ctx, page, "UpdateIncident", { method: "PATCH", path: pathOf(id), body, answer: incident });
}

const pathOf = (incidentId: string): string => `/incidents/${encodeURIComponent(incidentId)}`;

const clean = ({ redact }: CallContext, change: IncidentChange) => ({ ...change, body: redact(change.body) });

async function listAll<T>(read: (query: string) => Promise<T[]>): Promise<T[]> {
  const all: T[] = [];
  for (let page = 1; page <= mostPages; page += 1) {
    // Unpaged, Statuspage answers once a minute only.
    const some = await read(`?page=${page}&per_page=${pageSize}`);
    all.push(...some);
    if (some.length < pageSize) break;
  }
  return all;
}

type Asking<T> = {
  method?: "GET" | "POST" | "PATCH";
  path: string;
  query?: string;
  body?: object;
  answer: z.ZodType<T>;
};

async function askPage<T>(
  ctx: CallContext,
  page: StatusPage,
  action: string,
  { method = "GET", path, query = "", body, answer }: Asking<T>,
): Promise<T> {
  await page.turn();
  try {
    return await call(ctx, `statuspage.${action}`, async (signal) => {
      const response = await request(`${page.url}/pages/${page.page}${path}${query}`, {
        method,
        headers: { authorization: `OAuth ${page.token}`, "content-type": "application/json" },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal,
        dispatcher: page.dispatcher,
      });
      const text = await response.body.text();
      const { statusCode: status, headers } = response;
      if (status < 200 || status > 299) throw answeredWith(status, headers["retry-after"], text);
      return read(text, answer);
    });
  } catch (error) {
    throw pageTroubleOf(error, { changes: method !== "GET" });
  }
}

function read<T>(text: string, answer: z.ZodType<T>): T {
  try {
    return answer.parse(JSON.parse(text));
  } catch (error) {
    throw new Error("its answer is not one of Statuspage's", { cause: error });
  }
}
