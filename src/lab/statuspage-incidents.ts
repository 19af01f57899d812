import { randomBytes } from "node:crypto";
import type { Clock } from "../clock.ts";

/** A component of the page, as the API shows it. */
export type Component = { id: string; name: string; status: string };

export type IncidentUpdate = {
  id: string;
  status: string;
  body: string;
  created_at: string;
  /** What this update changed. */
  affected_components: { code: string; name: string; old_status: string; new_status: string }[];
  deliver_notifications: boolean;
};

/** An incident, as the API shows it; its components by id. */
export type Incident = {
  id: string;
  name: string;
  status: string;
  created_at: string;
  resolved_at: string | null;
  shortlink: string;
  metadata: Record<string, unknown>;
  component_ids: string[];
  /** The newest first. */
  incident_updates: IncidentUpdate[];
};

export type PageState = { incidents: readonly Incident[]; components: readonly Component[] };

/** What a body under "incident" may hold, as far as the lab reads it. */
export type IncidentFields = {
  name?: unknown;
  status?: unknown;
  body?: unknown;
  components?: unknown;
  component_ids?: unknown;
  metadata?: unknown;
  deliver_notifications?: unknown;
};

/** Whoever asked has to put it right: 422. */
export class Unprocessable extends Error {}

const incidentStatuses = ["investigating", "identified", "monitoring", "resolved"];
const componentStatuses = [
  "operational",
  "under_maintenance",
  "degraded_performance",
  "partial_outage",
  "major_outage",
];

export type Reduced = { state: PageState; incident: Incident };
export type Reduce = (state: PageState, id: string | undefined, fields: IncidentFields) => Reduced;

/** Makes what an incident becomes when fields are sent to it; without an id a new one. @throws Unprocessable */
export const reduceIncident =
  (clock: Clock): Reduce =>
  (state, id, fields) => {
    const before = state.incidents.find((incident) => incident.id === id);
    const at = clock.now().toISOString();
    const wanted = checked(state, fields, before);
    const affected = wanted.statuses.map(([code, status]) => {
      const component = state.components.find((one) => one.id === code);
      return { code, name: component?.name ?? "", old_status: component?.status ?? "", new_status: status };
    });
    const update: IncidentUpdate = {
      id: newId(),
      status: wanted.status,
      body: wanted.body,
      created_at: at,
      affected_components: affected,
      deliver_notifications: fields.deliver_notifications !== false,
    };
    const incident: Incident = {
      ...(before ?? { id: newId(), created_at: at, shortlink: `https://stspg.example.com/${newId()}` }),
      name: wanted.name,
      status: wanted.status,
      resolved_at: wanted.status === "resolved" ? at : null,
      metadata: wanted.metadata,
      component_ids: wanted.componentIds,
      incident_updates: [update, ...(before?.incident_updates ?? [])],
    };
    const others = state.incidents.filter((one) => one !== before);
    const components = state.components.map((one) => ({
      ...one,
      status: wanted.statuses.find(([code]) => code === one.id)?.[1] ?? one.status,
    }));
    // The newest first, and one that is only changed keeps its place.
    const incidents = before ? state.incidents.map((one) => (one === before ? incident : one)) : [incident, ...others];
    return { state: { incidents, components }, incident };
  };

function checked({ components }: PageState, fields: IncidentFields, before: Incident | undefined) {
  const { name = before?.name, status = before?.status ?? "investigating", metadata = before?.metadata ?? {} } = fields;
  if (typeof name !== "string" || name === "" || name.length > 255) throw new Unprocessable("Name can't be blank");
  if (typeof status !== "string" || !incidentStatuses.includes(status))
    throw new Unprocessable("Status does not have a valid value");
  if (!isObject(metadata) || !Object.values(metadata).every(isObject))
    throw new Unprocessable("Metadata: all top-level values must be objects");
  const statuses = Object.entries(isObject(fields.components) ? fields.components : {}).map(
    ([code, to]) => [code, String(to)] as const,
  );
  const ids = Array.isArray(fields.component_ids) ? fields.component_ids.map(String) : (before?.component_ids ?? []);
  const componentIds = [...new Set([...ids, ...statuses.map(([code]) => code)])];
  const stranger = componentIds.find((code) => components.every((one) => one.id !== code));
  if (stranger !== undefined) throw new Unprocessable(`Component ${stranger} does not exist`);
  if (!statuses.every(([, to]) => componentStatuses.includes(to)))
    throw new Unprocessable("Components do not have a valid value");
  return { name, status, metadata, statuses, componentIds, body: typeof fields.body === "string" ? fields.body : "" };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const newId = (): string => randomBytes(6).toString("hex");
