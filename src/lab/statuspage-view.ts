import type { StatusPageView } from "./page-world.ts";
import type { LabStatusPage } from "./statuspage.ts";

/** How many incidents the lab's page shows: it is told everything once a second. */
const mostIncidents = 5;

/** Shows the status page as customers read it: what each component is, and what was told of the newest incidents. */
export function viewStatusPage(page: Pick<LabStatusPage, "components" | "incidents">): StatusPageView {
  return {
    components: page.components().map(({ name, status }) => ({ name, status })),
    incidents: page
      .incidents()
      .slice(0, mostIncidents)
      .map(({ id, name, status, incident_updates }) => ({
        id,
        name,
        status,
        updates: incident_updates.map((update) => ({
          at: update.created_at,
          status: update.status,
          body: update.body,
        })),
      })),
  };
}
