import type { ComponentStatus } from "../adapters/statuspage.ts";

/** What customers read of a move; Statuspage itself lists the components beside it. No name of ours, and no promise. */
export type Words = {
  /** What the incident is called. */
  name: string;
  /** What the components show while it is open. */
  components: ComponentStatus;
  started: string;
  dataReady: string;
  served: string;
  held: string;
  parked: string;
  stopped: string;
};

const common = {
  served:
    "The services are available again. For some of you it can take a few more minutes until you reach them. We keep watching.",
  parked: "This takes longer than expected. We are still working on it.",
};

/**
 * The words for a region that was lost, and for a move that we make with everything alive.
 *
 * A lost writer is a major outage: nobody can buy. A planned move shows "under maintenance", because we switch the old side
 * off on purpose and nothing answers until the new one does; "degraded performance" would promise a service that is slow.
 */
export const words: Record<"ungraceful" | "graceful", Words> = {
  ungraceful: {
    ...common,
    name: "Services are unavailable",
    components: "major_outage",
    started:
      "The services named here are unavailable. We are working on it, and tell you more as soon as we know more.",
    dataReady: "We know the cause, and are starting the services in another location. They are still unavailable.",
    held: "The services have been running well since. This incident is over.",
    stopped: "We are still working on this, and tell you more here.",
  },
  graceful: {
    ...common,
    name: "Maintenance: services are unavailable for a few minutes",
    components: "under_maintenance",
    started:
      "We are moving the services named here to another location. Meanwhile they are unavailable for some minutes.",
    dataReady: "All data has been moved. We are starting the services in the other location.",
    held: "The services have been running well since. This maintenance is over.",
    stopped: "We have stopped this maintenance. We are checking the services, and tell you more here.",
  },
};
