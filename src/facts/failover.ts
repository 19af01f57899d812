import type { Failing } from "../breaker.ts";
import type { Context } from "../context.ts";
import { objectives } from "../estate.ts";
import { listFailingCalls } from "./calls.ts";
import { lookAtConfigs, type ConfigFacts } from "./config.ts";
import { lookAtDatabase, type DatabaseFacts } from "./database.ts";
import { lookAtEdge, type EdgeFacts } from "./edge.ts";
import { seen, type Fact } from "./fact.ts";
import { lookAtGitOps, type GitOpsFacts } from "./gitops.ts";
import { lookAtLastMove, type LastMove } from "./last-move.ts";
import { lookAtPods, type PodFacts } from "./pods.ts";
import { lookAtProbes, type ProbeFacts } from "./probes.ts";
import { lookAtRights, type RightFacts } from "./rights.ts";
import { targetsOf, type Targets } from "./targets.ts";
import type { TrafficFacts } from "./traffic/driver.ts";
import { driverOf, lookAtTraffic } from "./traffic/index.ts";

/** What preflight saw of any service that is to move, with the time of each look. */
type ServiceFacts = {
  service: string;
  toRegion: string;
  /**
   * The region that people are moved out of. With a database, that of its other instance. Without one, the region that most
   * DNS answers lead to besides `toRegion`; where none was seen, the first other region the service runs in, as the estate
   * lists them.
   */
  fromRegion: string;
  /** When the last of the looks was over. */
  lookedAt: string;
  /** What the estate promises for this service, in seconds. */
  objectives: { rtoSeconds: number; rpoSeconds: number };
  /** The move before this one; absent in the facts of runs from before it was looked for. */
  lastMove?: Fact<{ last: LastMove | null }>;
  pods: PodFacts[];
  configs: ConfigFacts[];
  /** What keeps its objects as Git says. Absent in plans of an older Muster. */
  gitops?: GitOpsFacts[];
  dns: TrafficFacts;
  rights: RightFacts[];
  edge: Fact<EdgeFacts>;
  probes: Fact<ProbeFacts>;
  /** Whom this process calls in vain, now that all of it was tried once more. Absent in plans of an older Muster. */
  failingCalls?: Failing[];
};

/** All that preflight saw of a service that keeps data. */
export type FactsWithDatabase = ServiceFacts & DatabaseFacts;

/**
 * All that preflight saw of a service that is to move. The parts about its database are all there, or, for a service that
 * keeps no data of its own, none of them is: `keepsData` tells which.
 */
export type FailoverFacts = ServiceFacts & (DatabaseFacts | { [Part in keyof DatabaseFacts]?: never });

/** Tells whether a service keeps data of its own, which then moves with it. */
export const keepsData = (facts: FailoverFacts): facts is FactsWithDatabase => facts.to !== undefined;

type Wish = { service: string; toRegion: string };

/**
 * Looks at everything a move of one service stands on, all at once; no look takes much longer than the call timeout, and
 * one that sees nothing says so. `traffic` is a look at the service's traffic that is under way.
 * @throws UserError when the estate does not have what was named.
 */
export async function lookAtFailover(
  ctx: Context,
  { service, toRegion }: Wish,
  traffic?: Promise<TrafficFacts>,
): Promise<FailoverFacts> {
  const targets = targetsOf(ctx.estate, service, toRegion);
  const [database, lastMove, pods, gitops, dns, rights, edge, probes] = await Promise.all([
    targets.database && lookAtDatabase(ctx, service, targets.database),
    lookAtLastMove(ctx, service),
    lookAtPods(ctx, targets),
    lookAtGitOps(ctx, targets),
    traffic ?? lookAtTraffic(ctx, targets),
    lookAtRights(ctx, targets),
    lookAtEdge(ctx, targets),
    lookAtProbes(ctx, service),
  ]);
  const configs = await lookAtConfigs(ctx, targets, database && seen(database.to.instance)?.endpoint?.host);
  const failingCalls = listFailingCalls(ctx);
  return {
    service,
    toRegion,
    fromRegion: mostAnswered(targets, dns),
    lookedAt: ctx.now().toISOString(),
    objectives: objectives(targets.service),
    ...database,
    lastMove,
    pods,
    configs,
    ...(gitops.length > 0 ? { gitops } : {}),
    dns,
    rights,
    edge,
    probes,
    failingCalls,
  };
}

/**
 * Looks again at what the claims of a plan are about, and at nothing else: people have approved, and wait. All other facts
 * are left as they were seen before. `traffic` is such a look at the service's traffic that is under way.
 * @throws UserError when the estate no longer has what was named.
 */
export async function lookAtClaims(
  ctx: Context,
  { service, toRegion }: { service: string; toRegion: string },
  before: FailoverFacts,
  traffic?: Promise<TrafficFacts>,
): Promise<FailoverFacts> {
  const targets = targetsOf(ctx.estate, service, toRegion);
  // By the estate of now it is another kind of service: nothing seen before says anything about it.
  if (keepsData(before) !== (targets.database !== undefined)) return lookAtFailover(ctx, { service, toRegion });
  const [database, dns, configs, probes] = await Promise.all([
    targets.database && keepsData(before) && lookAtDatabase(ctx, service, targets.database, before),
    traffic ?? lookAtTraffic(ctx, targets, before.dns),
    lookAtConfigs(ctx, targets),
    // They tell how much is lost, where there is something to lose.
    targets.database ? lookAtProbes(ctx, service) : before.probes,
  ]);
  return { ...before, lookedAt: ctx.now().toISOString(), ...database, dns, configs, probes };
}

/** The region that most customers are in, of those that a move may lead out of; the first where nobody can tell. */
export function mostAnswered({ fromRegions }: Targets, dns: TrafficFacts): string {
  const shares = driverOf(dns).shares(dns);
  const shareOf = (region: string) => shares?.[region] ?? 0;
  return fromRegions.reduce((most, region) => (shareOf(region) > shareOf(most) ? region : most));
}
