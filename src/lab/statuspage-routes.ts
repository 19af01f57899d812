import type { IncomingMessage } from "node:http";
import type { Answer, ApiCall } from "./api-call.ts";
import { readBody } from "./listening.ts";
import type { LabRequest } from "./request-log.ts";
import {
  type Incident,
  type IncidentFields,
  type PageState,
  type Reduce,
  Unprocessable,
} from "./statuspage-incidents.ts";

/** What the routes stand on. */
export type Page = {
  page: string;
  token: string;
  /** Answers instead of serving: the key is not taken, or asks too much. */
  refused(): Answer | undefined;
  busy(): Answer | undefined;
  /** What readers are shown, which may lag, and what is so. */
  read(): PageState;
  now(): PageState;
  write(state: PageState): void;
  reduce: Reduce;
};

/** Reads a request as a call of the API: GET, POST and PATCH of incidents, GET and PATCH of components. */
export async function readCall(request: IncomingMessage, page: Page): Promise<ApiCall> {
  const url = new URL(request.url ?? "/", "http://lab");
  const method = request.method ?? "GET";
  const body = await readBody(request);
  const [, , pages, pageId = "", kind = "", id] = url.pathname.replace(/\.json$/, "").split("/");
  return {
    action: `${method} ${[kind || "page", ...(id === undefined ? [] : [id === "unresolved" ? id : "one"])].join("/")}`,
    resource: decodeURIComponent(id ?? pageId),
    changes: method !== "GET",
    run(entry) {
      const sent = request.headers.authorization;
      const refused =
        page.refused() ?? (sent === `OAuth ${page.token}` ? undefined : refusal(401, "Could not authenticate"));
      const answer = refused ?? page.busy();
      if (answer) return answer;
      if (pages !== "pages" || pageId !== page.page) return notFound();
      try {
        if (kind === "incidents") return incidents(page, { method, id, query: url.searchParams, body, entry });
        if (kind === "components") return components(page, { method, id, query: url.searchParams, body, entry });
        return kind === "" ? json(200, { id: page.page, name: "Example shop" }) : notFound();
      } catch (error) {
        if (error instanceof Unprocessable) return refusal(422, error.message);
        if (error instanceof SyntaxError) return refusal(400, "Bad request");
        throw error;
      }
    },
  };
}

type Asked = { method: string; id: string | undefined; query: URLSearchParams; body: string; entry: LabRequest };

function incidents(page: Page, { method, id, query, body, entry }: Asked): Answer {
  if (method === "GET") {
    const state = page.read();
    if (id === undefined || id === "unresolved") {
      const all = state.incidents.filter(({ status }) => id === undefined || status !== "resolved");
      return json(
        200,
        paged(all, query, 100).map((incident) => shown(state, incident)),
      );
    }
    const found = state.incidents.find((incident) => incident.id === id);
    return found ? json(200, shown(state, found)) : notFound();
  }
  const creates = method === "POST" && id === undefined;
  if (!creates && (method !== "PATCH" || page.now().incidents.every((incident) => incident.id !== id)))
    return notFound();
  const { incident: fields = {} } = JSON.parse(body) as { incident?: IncidentFields };
  const { state, incident } = page.reduce(page.now(), creates ? undefined : id, fields);
  page.write(state);
  const [update] = incident.incident_updates;
  entry.effects.push({
    target: `statuspage: incident ${incident.id}`,
    wanted: `${incident.status}: ${update?.body ?? ""}`,
  });
  for (const { name, old_status, new_status } of update?.affected_components ?? [])
    if (old_status !== new_status) entry.effects.push({ target: `statuspage: ${name}`, wanted: new_status });
  return json(creates ? 201 : 200, shown(state, incident));
}

function components(page: Page, { method, id, query, body, entry }: Asked): Answer {
  const state = method === "GET" ? page.read() : page.now();
  if (method === "GET" && id === undefined) return json(200, paged(state.components, query, state.components.length));
  const found = state.components.find((component) => component.id === id);
  if (!found) return notFound();
  if (method === "GET") return json(200, found);
  const { component: { status = found.status } = {} } = JSON.parse(body) as { component?: { status?: string } };
  const changed = { ...found, status };
  page.write({
    ...state,
    components: state.components.map((component) => (component === found ? changed : component)),
  });
  entry.effects.push({ target: `statuspage: ${found.name}`, wanted: status });
  return json(200, changed);
}

/** An incident with its components as they are, which is how the API shows it. */
function shown({ components: all }: PageState, { component_ids: ids, ...incident }: Incident): object {
  return { ...incident, components: all.filter(({ id }) => ids.includes(id)) };
}

function paged<T>(all: readonly T[], query: URLSearchParams, whole: number): T[] {
  const size = Math.min(100, Number(query.get("per_page") ?? query.get("limit") ?? whole) || whole);
  const from = (Math.max(1, Number(query.get("page") ?? 1)) - 1) * size;
  return all.slice(from, from + size);
}

const json = (status: number, value: unknown, headers: Record<string, string> = {}): Answer => ({
  status,
  headers: { "content-type": "application/json; charset=utf-8", ...headers },
  body: JSON.stringify(value),
});

const notFound = (): Answer => refusal(404, "The requested resource could not be found.");

/** An error as the API's reference describes it. */
export const refusal = (status: number, message: string, headers: Record<string, string> = {}): Answer =>
  json(status, { message }, headers);
