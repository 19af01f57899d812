/** How a call out ended, as far as whoever watches the figures cares. */
export const callOutcomes = ["ok", "refused", "trouble", "given-up", "not-tried"] as const;
export type CallOutcome = (typeof callOutcomes)[number];

export const leaseEvents = ["taken", "taken-over", "handed-over", "lost"] as const;
export type LeaseEvent = (typeof leaseEvents)[number];

/** "sender": its signature or its time is not Slack's. "workspace": it is another workspace's. */
export const slackRefusals = ["sender", "workspace"] as const;
export type SlackRefusal = (typeof slackRefusals)[number];

/**
 * What a process counts of its own doing, in wall or Muster's seconds. Labels are names of the estate and of the code: never
 * a run's id, a person or a text. What is true of the whole installation is not counted; it is asked of the database.
 */
export type Meters = {
  /** A call that leaves the process, or was kept back; seconds on the wall. */
  call(target: string, outcome: CallOutcome, seconds: number): void;
  /** A step came to an end, or parked; seconds of Muster's clock since its first look. */
  step(step: string, outcome: "done" | "waived" | "undone" | "parked", seconds: number): void;
  /** A run ended; seconds of Muster's clock since it started, 0 where it never did. */
  run(job: string, outcome: string, seconds: number): void;
  lease(event: LeaseEvent): void;
  /** A request to Slack's path was turned away. */
  slackRefused(reason: SlackRefusal): void;
};
