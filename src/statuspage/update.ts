import type { ComponentStatus, IncidentStatus } from "../adapters/statuspage.ts";

/** What the incident of a run on the status page is to say from now on. */
export type StatusUpdate = {
  /** The page's id. */
  page: string;
  /** What the incident is called, where this update has to open it. */
  name: string;
  /** "resolved" also sets back what the run had changed. */
  status: IncidentStatus;
  /** What customers read. */
  body: string;
  /** What components show from when the incident is opened until it is resolved, by their ids. */
  components: Record<string, ComponentStatus>;
};
