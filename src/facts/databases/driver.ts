import type { Instance } from "../../adapters/rds.ts";
import type { GlobalCluster } from "../../adapters/rds-global.ts";
import type { Context } from "../../context.ts";
import type { PlanNode } from "../../engine/plan.ts";
import type { Json, Unknown } from "../../engine/step.ts";
import type { Database } from "../../estate.ts";
import type { DatabaseTarget, Mode } from "../../steps/targets.ts";
import type { FactsWithDatabase } from "../failover.ts";
import type { Side, Sides } from "../targets.ts";

/** One server of a pair as it is known. Where RDS has it, all that RDS tells of it stands here too. */
export type DatabaseServer = Pick<Instance, "id" | "region" | "endpoint"> &
  Partial<Instance> & {
    /** Where it is asked while it is no writer; left out where that is the same. */
    readEndpoint?: { host: string; port: number };
    /** Where it is a cluster of Aurora. */
    aurora?: AuroraSeen;
  };

/** What RDS tells of a cluster of Aurora, and of the global cluster it belongs to. */
export type AuroraSeen = {
  global: GlobalCluster;
  /** It is the global cluster's primary. */
  isWriter: boolean;
};

/** A pair that is to move, and what was seen of it. */
export type PairSeen = Sides & { facts: FactsWithDatabase };

/** What a promotion does, and what it leans on, for the preview. */
export type Spelt = { value: string; tone?: "good" | "warn" | "bad" };

/** What comes before a promotion: what must be done, and the steps whose results tell what was so. */
export type Before = { mode: Mode; after: PlanNode; reads: PlanNode[] };

/**
 * One way of making a replica the writer. A driver is a file here, a line in index.ts, a shape in src/estate.ts, and a step
 * that promotes, with a line in src/steps/promotions.ts. All but `find`, `remember` and `recall` is pure.
 */
export type DatabaseDriver<Settings extends Database = Database> = {
  name: Settings["driver"];
  /** True where no control plane knows the servers: what one would tell, they are asked themselves. */
  selfManaged: boolean;
  /** Gives both servers of a pair the names that people know them by. */
  sides(settings: Settings): readonly [writer: Side, replica: Side];
  /** Who is asked by `find`, for a sentence: "RDS in us-west-2". */
  manager(side: Side): string;
  /** Finds a server where it is managed; changes nothing. Throws what the adapter throws. */
  find(ctx: Context, side: Side): Promise<DatabaseServer | Unknown>;
  /** Notes what was found, for the day on which its region does not answer. */
  remember(ctx: Context, side: Side, found: DatabaseServer): Promise<void>;
  /** Recalls a server without asking anybody outside; undefined where it was never found. */
  recall(ctx: Context, side: Side): Promise<DatabaseServer | undefined>;
  /** Whether the new side follows a writer, by the word of what manages it; undefined where that was not seen. */
  follows(facts: FactsWithDatabase): boolean | undefined;
  /** How the new side stands, for the preview. */
  replica(facts: FactsWithDatabase): Spelt;
  /** The call that promotes it, and what that depends on. */
  promotion(facts: FactsWithDatabase, mode: Mode): Spelt;
  /** Rights that AWS proves only when they are used. */
  provenByUse(mode: Mode): readonly string[];
  /** Why it could not be promoted; clauses without their full stop. `promoted`: Muster has done it already. */
  blockers(pair: PairSeen, promoted: boolean): string[];
  /** What people should know of the promotion before they approve; sentences. */
  warnings(pair: PairSeen): string[];
  /** What a plan stands on: that the new side is what it was seen to be. */
  claim(facts: FactsWithDatabase): { follows: boolean; value: Json };
  /** Why such a claim no longer holds, as a clause; undefined where it does, or nothing was seen. */
  contradiction(value: Json, facts: FactsWithDatabase): string | undefined;
  /** The step that promotes. It names the old writer where that may live, so that it is looked for until then. */
  promote(
    facts: FactsWithDatabase,
    input: { service: string; replica: DatabaseTarget; from?: DatabaseTarget },
    before: Before,
  ): PlanNode;
};
