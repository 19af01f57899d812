import type { z } from "zod";
import type { Context } from "../src/context.ts";
import type { Plan } from "../src/engine/plan.ts";
import type { Estate } from "../src/estate.ts";
import type { RegionReport } from "./report/region.ts";
import type { Report } from "./report/failover.ts";

/** What people read before they approve, in nobody's markup. */
export type Preview = {
  headline: string;
  /** How the plan meets the world: "graceful", "ungraceful"; empty where the word has no meaning. */
  mode: string;
  rows: { label: string; value: string; tone?: "bad" | "warn" | "good" }[];
  diffs: { what: string; from: string; to: string; owner?: string }[];
  warnings: string[];
  /** Why it may not be approved. */
  blockers: string[];
};

/** What came of a run, in lines. */
export type RunReport = {
  whole: string[];
  /** What was promised and what is still open: for a card, which shows the rest itself. */
  summary: string[];
  /** The same as figures, for whoever draws them: of one service, or of each service of a region. */
  figures?: Report;
  region?: RegionReport;
};

/** A kind of work: what it needs to be told, what it looks at, and the plan it makes of that. */
export type Job<Input, Facts> = {
  name: string;
  input: z.ZodType<Input>;
  /** What it does, to finish the sentence "ana asked to ...". Pure. */
  title(input: Input): string;
  /** What nobody else may change while it runs: services, or "db:<instance>". Pure. */
  locks(input: Input): string[];
  /** True where it leaves out what other runs have in their hands: then one under way is no answer to the same wish. */
  leavesOutHeld?: boolean;
  /** Who may decide about such a run, by the estate as it is now. Pure. */
  approvers(estate: Estate): string[];
  /** Looks at the world, and changes nothing. */
  look(ctx: Context, input: Input): Promise<Facts>;
  /** Looks again at what a plan's claims are about, and leaves all other facts as they were. Default: `look`. */
  lookAtClaims?(ctx: Context, plan: Plan, before: Facts): Promise<Facts>;
  /** What is left of a wish when it is looked at again, perhaps by somebody else. Default: all of it. Pure. */
  again?(input: Input): Input;
  /** Makes the plan. Pure. @throws UserError when there is nothing to do, or the estate does not have what was named. */
  plan(estate: Estate, input: Input, facts: Facts): Plan;
  /** Says which claims of a plan no longer hold, a sentence each. Pure. */
  broken(plan: Plan, facts: Facts): string[];
  /** What people see before they approve. Pure. */
  preview(plan: Plan, facts: Facts): Preview;
  /** Says what came of a run that started, from what was written down. Absent where the thread says it all. */
  report?(ctx: Pick<Context, "db">, runId: string): Promise<RunReport>;
};

/** Any job, as the list holds it: it is fed the input and facts that it made itself, from a run's row. */
export type AnyJob = Job<never, never>;

/** Declares a job; the types of its input and facts are checked here. */
export function job<Input, Facts>(definition: Job<Input, Facts>): Job<Input, Facts> {
  return definition;
}
