import { z } from "zod";
import { inOrder, type Plan } from "../src/engine/plan.ts";
import type { Estate } from "../src/estate.ts";
import { UserError } from "../src/errors.ts";
import { lookAtFailover, type FailoverFacts } from "../src/facts/failover.ts";
import { alreadyThere } from "../src/facts/moves.ts";
import { targetsOf } from "../src/facts/targets.ts";
import { blockersOf } from "./blockers.ts";
import { brokenClaims, claimsOf } from "./claims.ts";
import { failoverNodes } from "./failover-nodes.ts";
import { job } from "./job.ts";
import { loadReport } from "./load-report.ts";
import { modeOf } from "./mode.ts";
import { previewFailover } from "./preview.ts";
import { reportLines, summaryLines } from "./report-lines.ts";
import { warningsOf } from "./warnings.ts";

const input = z.object({
  toRegion: z.string(),
  service: z.string(),
  /** Set where a person does not want to wait for an old side that half answers. */
  force: z.literal("ungraceful").optional(),
});

export type FailoverInput = { toRegion: string; service: string; force?: "ungraceful" | undefined };

/** How many must approve; the one who asked is not among them. */
const needed = 2;

const title = ({ service, toRegion }: FailoverInput): string => `move ${service} to ${toRegion}`;

/** Moves a service to another region: the data first, then the people. */
export const failover = job<FailoverInput, FailoverFacts>({
  name: "failover",
  input,
  title,
  locks: ({ service }) => [service],
  approvers: (estate) => estate.approvers,
  look: lookAtFailover,
  plan: planFailover,
  broken: (plan, facts) => brokenClaims(plan.claims, facts),
  preview: (plan, facts) => previewFailover(plan, facts, modeOf(facts, input.parse(plan.input).force)),
  async report(ctx, runId) {
    const report = await loadReport(ctx, runId);
    return { whole: reportLines(report), summary: summaryLines(report), figures: report };
  },
});

function planFailover(estate: Estate, wanted: FailoverInput, facts: FailoverFacts): Plan {
  const { service, toRegion, force } = wanted;
  const targets = targetsOf(estate, service, toRegion);
  if (alreadyThere(facts)) {
    throw new UserError({
      happened: `${service} is in ${toRegion} already: ${targets.to.instance} takes its writes, and every DNS answer leads there.`,
      means: "Nothing was changed.",
      todo: "There is nothing left to move; name another region, or look at /muster runs.",
    });
  }
  const mode = modeOf(facts, force);
  const blockers = blockersOf(targets, facts, force !== undefined);
  return {
    job: "failover",
    title: title(wanted),
    input: { toRegion, service, ...(force ? { force } : {}) },
    // What cannot be approved has no steps either: some of its targets are not known.
    nodes: blockers.length > 0 ? [] : inOrder(failoverNodes(targets, facts, mode)),
    locks: [service],
    claims: claimsOf(targets, facts, mode, force !== undefined),
    approvers: estate.approvers,
    needed,
    blockers,
    warnings: warningsOf(targets, facts, mode),
  };
}
