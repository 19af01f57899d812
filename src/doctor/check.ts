import type { SlackClient } from "../adapters/slack-client.ts";
import type { Config } from "../settings.ts";
import type { Context } from "../context.ts";
import type { DatabaseServer } from "../facts/databases/driver.ts";
import type { Fact } from "../facts/fact.ts";
import type { Side } from "../facts/targets.ts";
import type { Finding } from "./finding.ts";

/** What a check may reach: everything a server has, proven or not, and what only a check wants to know. */
export type DoctorContext = Context & {
  config: Config;
  /** Undefined where no Slack is configured. */
  slack: SlackClient | undefined;
  /** Asks what keeps the queue, and changes nothing there. Rejects when it does not do its duty. */
  lookAtQueue(): Promise<QueueSeen>;
  /** This machine's own clock; `now()` is Muster's. */
  wallNow: () => Date;
  /** Looks at a database server as what manages it tells it: once, however many ask. */
  instance(side: Side): Promise<Fact<DatabaseServer>>;
};

/** What keeps the queue. */
export type QueueSeen = {
  kind: "Redis" | "Postgres";
  version: string;
  /** The policy by which it throws keys away when its memory is full; absent where it throws none away. */
  evicts?: string;
  /** It follows another, and takes no writes. */
  follows?: true;
  /** Absent where no sentinels say which Redis it is. */
  sentinels?: {
    asked: number;
    /** Which of them tell nothing, and why. */
    faults: string[];
    /** Those that answer are too few to put another Redis in the place of one that is lost. */
    cannotAgree?: true;
  };
};

/** One subject that `muster doctor` looks at. It looks and never changes anything. */
export type Check = {
  /** What it looks at, to finish "The look at ... ". */
  name: string;
  /**
   * Finds out about every thing of its subject. What it throws becomes a finding. A long one puts what it finds into `soFar` at
   * once, and returns that: what is in there is told also when the look is given up.
   */
  look(ctx: DoctorContext, soFar: Finding[]): Promise<Finding[]>;
  /** Wall milliseconds that it may take beyond the patience there is with all, where its requests have a pace of their own. */
  extraMs?(ctx: DoctorContext): number;
};
