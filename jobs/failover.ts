import { z } from "zod";
import { breakableRules, type BrokenGlass, howMany, isBroken, spellBroken } from "../src/engine/break-glass.ts";
import { inOrder, type Plan, type PlanNode } from "../src/engine/plan.ts";
import type { Estate } from "../src/estate.ts";
import { UserError } from "../src/errors.ts";
import { capital } from "../src/spelling.ts";
import { lookAtClaims, lookAtFailover, type FailoverFacts } from "../src/facts/failover.ts";
import { alreadyThere } from "../src/facts/moves.ts";
import { targetsOf, type Targets } from "../src/facts/targets.ts";
import { blockersOf } from "./verdict/blockers.ts";
import { coolDownBlockers, recentMove } from "./verdict/cool-down.ts";
import { brokenClaims, claimsOf } from "./claims.ts";
import { toldAs, toldToCustomers } from "./customers.ts";
import { databaseMove } from "./databases.ts";
import { failoverNodes } from "./failover-nodes.ts";
import { job } from "./job.ts";
import { loadReport } from "./report/load.ts";
import { previewFailover } from "./preview/failover.ts";
import { reportLines, summaryLines } from "./report/lines.ts";
import { acceptLoss } from "../src/steps/accept-loss.ts";
import { warningsOf } from "./verdict/warnings.ts";

const input = z.object({
  toRegion: z.string(),
  service: z.string(),
  /** Set where a person does not want to wait for an old side that half answers. */
  force: z.literal("ungraceful").optional(),
  /** Rules that somebody broke for this move alone. */
  breakGlass: z.object({ by: z.string(), rules: z.array(z.enum(breakableRules)), reason: z.string() }).optional(),
});

export type FailoverInput = {
  toRegion: string;
  service: string;
  force?: "ungraceful" | undefined;
  breakGlass?: BrokenGlass | undefined;
};

/** How many must approve; the one who asked is not among them. */
const neededToApprove = 2;

const title = ({ service, toRegion }: FailoverInput): string => `move ${service} to ${toRegion}`;

/** Moves a service to another region: the data first, where it keeps any, then the people. */
export const failover = job<FailoverInput, FailoverFacts>({
  name: "failover",
  input,
  title,
  locks: ({ service }) => [service],
  approvers: (estate) => estate.approvers,
  look: lookAtFailover,
  lookAtClaims: (ctx, _plan, before) => lookAtClaims(ctx, before, before),
  plan: planFailover,
  broken: (plan, facts) => brokenClaims(plan.claims, facts),
  // Whoever has it looked at again has broken nothing.
  again: ({ breakGlass: _broken, ...wish }) => wish,
  preview: (plan, facts) => previewFailover(plan, facts, input.parse(plan.input).force),
  async report(ctx, runId) {
    const report = await loadReport(ctx, runId);
    return { whole: reportLines(report), summary: summaryLines(report), figures: report };
  },
});

function planFailover(estate: Estate, wanted: FailoverInput, facts: FailoverFacts): Plan {
  const { service, toRegion, force, breakGlass } = wanted;
  const broken = breakGlass ? { breakGlass } : {};
  const targets = targetsOf(estate, service, toRegion);
  const database = databaseMove(targets, facts, force);
  if (alreadyThere(facts)) throw nothingToMove(targets);
  const blockers = [
    ...blockersOf(targets, facts, database),
    ...coolDownBlockers(facts, estate.coolDownMinutes, breakGlass),
  ];
  // What cannot be approved has no steps either: some of its targets are not known.
  const nodes =
    blockers.length > 0
      ? []
      : inOrder(failoverNodes(targets, facts, database).map((node) => answered(node, breakGlass)));
  const announcements = toldToCustomers(estate, [service], toldAs(facts, force), nodes);
  return {
    job: "failover",
    title: title(wanted),
    input: { toRegion, service, ...(force ? { force } : {}), ...broken },
    nodes,
    locks: [service],
    claims: claimsOf(facts, database),
    approvers: estate.approvers,
    needed: howMany(broken, neededToApprove),
    blockers,
    warnings: [...glassWarnings(estate, facts, breakGlass), ...warningsOf(targets, facts, database)],
    ...broken,
    ...(announcements.length > 0 ? { announcements } : {}),
  };
}

function nothingToMove({ name, toRegion, database }: Targets): UserError {
  const writer = database ? `${database.to.instance} takes its writes` : "it keeps no data of its own";
  return new UserError({
    happened: `${name} is in ${toRegion} already: ${writer}, and every DNS answer leads there.`,
    means: "Nothing was changed.",
    todo: "There is nothing left to move; name another region, or look at /muster runs.",
  });
}

/** What was broken is read first; and what that lets pass. */
function glassWarnings({ coolDownMinutes }: Estate, facts: FailoverFacts, breakGlass?: BrokenGlass): string[] {
  if (!breakGlass) return [];
  const recent = isBroken({ breakGlass }, "cool-down") ? recentMove(facts, coolDownMinutes) : undefined;
  return [`${spellBroken(breakGlass)}. Every rule that is not named holds.`, ...(recent ? [`${recent}.`] : [])].map(
    capital,
  );
}

/** The question about losses was answered by whoever broke that rule. */
const answered = (node: PlanNode, breakGlass?: BrokenGlass): PlanNode =>
  breakGlass && node.step === acceptLoss.name && isBroken({ breakGlass }, "loss")
    ? { ...node, answeredBy: breakGlass.by }
    : node;
