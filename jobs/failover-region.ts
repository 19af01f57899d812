import { z } from "zod";
import { breakableRules, howMany, spellBroken, type BrokenGlass } from "../src/engine/break-glass.ts";
import { inOrder, use, type Claim, type Plan, type PlanNode } from "../src/engine/plan.ts";
import type { Estate } from "../src/estate.ts";
import { UserError } from "../src/errors.ts";
import { lookAtRegion, lookAtRegionClaims, type RegionFacts } from "../src/facts/region.ts";
import { shiftDns } from "../src/steps/shift-dns.ts";
import { startWave } from "../src/steps/start-wave.ts";
import { swapRecords } from "../src/steps/swap-records.ts";
import { brokenClaims } from "./claims.ts";
import { toldAs, toldToCustomers } from "./customers.ts";
import { failover } from "./failover.ts";
import { job } from "./job.ts";
import { loadRegionReport } from "./report/load-region.ts";
import { previewRegion } from "./preview/region.ts";
import { regionReportLines } from "./report/region.ts";
import { outOfPlan, saidOf, staysOut, type Left } from "./preview/region-left.ts";
import { wavesOf } from "./waves.ts";

const input = z.object({
  toRegion: z.string(),
  force: z.literal("ungraceful").optional(),
  /** Rules that somebody broke for this move alone. */
  breakGlass: z.object({ by: z.string(), rules: z.array(z.enum(breakableRules)), reason: z.string() }).optional(),
});

export type RegionInput = {
  toRegion: string;
  force?: "ungraceful" | undefined;
  breakGlass?: BrokenGlass | undefined;
};

/** How many must approve; the one who asked is not among them. */
const neededToApprove = 2;

const title = ({ toRegion }: RegionInput): string => `move every service to ${toRegion}`;

/** Moves every service that is not there yet to a region, the most urgent first: one run, in waves. */
export const failoverRegion = job<RegionInput, RegionFacts>({
  name: "failover-region",
  input,
  title,
  // Which services that are is seen only by looking; those that another run holds are left out.
  locks: () => [],
  leavesOutHeld: true,
  look: lookAtRegion,
  lookAtClaims: (ctx, plan, { toRegion, services }) =>
    lookAtRegionClaims(ctx, { toRegion, names: plan.locks }, services),
  plan: planRegion,
  approvers: (estate) => estate.region_approvers ?? estate.approvers,
  broken: (plan, facts) => [
    ...plan.locks.flatMap((service) => brokenOf(plan, facts, service)),
    ...Object.entries(facts.unmovable)
      .filter(([service]) => plan.locks.includes(service))
      .map(([service, because]) => `${service} cannot be moved any more: ${because}`),
  ],
  // Whoever has it looked at again has broken nothing.
  again: ({ breakGlass: _broken, ...wish }) => wish,
  preview: previewRegion,
  async report(ctx, runId) {
    return regionReportLines(await loadRegionReport(ctx, runId));
  },
});

function planRegion(estate: Estate, wanted: RegionInput, facts: RegionFacts): Plan {
  const { toRegion, force, breakGlass } = wanted;
  const broken = breakGlass ? { breakGlass } : {};
  const { plans, left } = plansOf(estate, wanted, facts);
  const moving = Object.keys(plans);
  const blocked = left.filter(({ kind }) => kind === "blocked");
  const staying = staysOut(left);
  if (moving.length === 0 && blocked.length === 0) throw nothingLeft(facts, left);
  const waves = wavesOf(estate.services, moving);
  const nodes = inOrder(nodesOf(plans, waves));
  const isOutage = moving.some((service) => {
    const own = facts.services[service];
    return own !== undefined && toldAs(own, force) === "ungraceful";
  });
  const announcements = toldToCustomers(estate, moving, isOutage ? "ungraceful" : "graceful", nodes);
  return {
    job: "failover-region",
    title: title(wanted),
    input: { toRegion, ...(force ? { force } : {}), ...broken },
    nodes,
    locks: moving,
    claims: moving.flatMap((service) => claimsOf(service, plans[service])),
    approvers: estate.region_approvers ?? estate.approvers,
    needed: howMany(broken, neededToApprove),
    blockers: moving.length === 0 ? blocked.map(({ service, because }) => `${service}: ${because}`) : [],
    warnings: [
      ...(breakGlass ? [`${spellBroken(breakGlass)}. Every rule that is not named holds.`] : []),
      ...staysBehind(staying, facts),
      ...warningsOf(moving, plans, facts),
    ],
    ...(staying.length > 0 ? { left: staying } : {}),
    ...broken,
    ...(announcements.length > 0 ? { announcements } : {}),
  };
}

function warningsOf(moving: string[], plans: Record<string, Plan>, facts: RegionFacts): string[] {
  const all = moving.flatMap((service) =>
    (plans[service]?.warnings ?? [])
      .filter((warning) => !warning.startsWith("BREAK GLASS"))
      .map((warning) => ({ service, text: warning })),
  );
  return saidOf(all, moving.length, recordsIn(facts)).map(({ who, text }) => `${who}: ${text}`);
}

const recordsIn =
  ({ services }: RegionFacts) =>
  (service: string): string | undefined =>
    services[service]?.dns.name.name;

function staysBehind(left: NonNullable<Plan["left"]>, facts: RegionFacts): string[] {
  const all = left.map(({ service, because }) => ({ service, text: because }));
  return saidOf(all, all.length, recordsIn(facts)).map(
    ({ who, many, text }) => `${who} ${many ? "are" : "is"} not moved by this: ${text}.`,
  );
}

/** A plan of its own for each service that can be moved, and why the others are left. */
function plansOf(estate: Estate, wanted: RegionInput, facts: RegionFacts) {
  const plans: Record<string, Plan> = {};
  const left = outOfPlan(facts);
  for (const [service, own] of Object.entries(facts.services)) {
    if (left.some((other) => other.service === service)) continue;
    const plan = failover.plan(estate, { ...wanted, service }, own);
    if (plan.blockers.length > 0) left.push({ service, kind: "blocked", because: plan.blockers.join("; ") });
    else plans[service] = plan;
  }
  return { plans, left };
}

/** The steps of all, each wave behind the one before it, and DNS changes told how many go out together. */
function nodesOf(plans: Record<string, Plan>, waves: string[][]): PlanNode[] {
  return waves.flatMap((services, index) => {
    const before = waves[index - 1];
    const start = before && use(startWave, `wave-${index + 1}`, { wave: index + 1, before }, { after: [] });
    const earlier = index > 1 ? [`wave-${index}/start-wave`] : [];
    const zones = zonesOf(services.flatMap((service) => plans[service]?.nodes ?? []));
    const nodes = services.flatMap((service) =>
      (plans[service]?.nodes ?? []).map((node) => inCompany(start ? behind(node, start.id) : node, index + 1, zones)),
    );
    return start ? [{ ...start, after: earlier }, ...nodes] : nodes;
  });
}

const behind = (node: PlanNode, id: string): PlanNode => (node.after.length > 0 ? node : { ...node, after: [id] });

/** How many records' names of a wave stand in each zone. */
function zonesOf(nodes: PlanNode[]): Map<string, number> {
  const zones = new Map<string, number>();
  for (const zone of nodes.map(zoneOf)) if (zone !== undefined) zones.set(zone, (zones.get(zone) ?? 0) + 1);
  return zones;
}

/** Steps whose changes of a zone go out together. */
const mergeable: readonly string[] = [shiftDns.name, swapRecords.name];

const zoneOf = ({ step, input: given }: PlanNode): string | undefined =>
  mergeable.includes(step) ? (given as { dns: { zone: string } }).dns.zone : undefined;

function inCompany(node: PlanNode, wave: number, zones: Map<string, number>): PlanNode {
  const zone = zoneOf(node);
  if (zone === undefined) return node;
  return { ...node, input: { ...(node.input as object), together: zones.get(zone) ?? 1, wave } };
}

const claimsOf = (service: string, plan: Plan | undefined): Claim[] =>
  (plan?.claims ?? []).map((claim) => ({
    ...claim,
    id: `${service}/${claim.id}`,
    sentence: `${service}: ${claim.sentence}`,
  }));

/** The claims of one service, compared with what was seen of it alone. */
function brokenOf(plan: Plan, facts: RegionFacts, service: string): string[] {
  const own = facts.services[service];
  const prefix = `${service}/`;
  const claims = plan.claims.filter(({ id }) => id.startsWith(prefix));
  return own
    ? brokenClaims(
        claims.map((claim) => ({ ...claim, id: claim.id.slice(prefix.length) })),
        own,
      )
    : [];
}

function nothingLeft({ toRegion, held }: RegionFacts, left: Left[]): UserError {
  const there = left.filter(({ kind }) => kind === "there").map(({ service }) => service);
  const others = left.filter(({ kind }) => kind !== "there");
  const [run, ...more] = new Set(Object.values(held));
  const said = saidOf(
    others.map(({ service, because }) => ({ service, text: because })),
    others.length,
  );
  const allHeld = run !== undefined && more.length === 0 && others.every(({ kind }) => kind === "held");
  return new UserError({
    happened:
      others.length === 0
        ? `Every service is in ${toRegion} already: ${there.join(", ")}.`
        : allHeld
          ? `Run ${run} has every service that is not in ${toRegion} yet in its hands.`
          : `No service can be moved to ${toRegion} now: ${said.map(({ who, text }) => `${who} (${text})`).join("; ")}.`,
    means: "Nothing was changed by asking.",
    todo: run === undefined ? "Name another region, or look at /muster runs." : `Look at it: /muster runs show ${run}.`,
  });
}
