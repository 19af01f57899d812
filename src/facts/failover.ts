import type { Instance } from "../adapters/rds.ts";
import type { Failing } from "../breaker.ts";
import type { Context } from "../context.ts";
import { objectives } from "../estate.ts";
import { lookAtApplication, type ApplicationFacts } from "./application.ts";
import { listFailingCalls } from "./calls.ts";
import { lookAtConfigs, type ConfigFacts } from "./config.ts";
import { lookAtDns, type DnsFacts } from "./dns.ts";
import { lookAtEdge, type EdgeFacts } from "./edge.ts";
import { notSeen, seen, whyUnseen, type Fact } from "./fact.ts";
import { lookAtLastBeat } from "./heartbeats.ts";
import { lookAtServer, type ServerFacts } from "./lag.ts";
import { lookAtLastMove, type LastMove } from "./last-move.ts";
import { lookAtPods, type PodFacts } from "./pods.ts";
import { lookAtProbes, type ProbeFacts } from "./probes.ts";
import { lookAtPromotions, type Promotion } from "./promotions.ts";
import { lookAtInstance, recallInstance } from "./replica.ts";
import { lookAtRights, type RightFacts } from "./rights.ts";
import { targetsOf } from "./targets.ts";

/** All that preflight saw of a service that is to move, with the time of each look. */
export type FailoverFacts = {
  service: string;
  toRegion: string;
  fromRegion: string;
  /** When the last of the looks was over. */
  lookedAt: string;
  /** What the estate promises for this service, in seconds. */
  objectives: { rtoSeconds: number; rpoSeconds: number };
  application: Fact<ApplicationFacts>;
  /** The instance that shall write, and what it says itself. */
  to: { instance: Fact<Instance>; server: Fact<ServerFacts> };
  /** The instance that writes until then; `known` is how RDS last described it, be it now or long ago. */
  from: { instance: Fact<Instance>; known?: Instance; server: Fact<ServerFacts> };
  /** The newest heartbeat of the old writer that Muster remembers. */
  lastBeat: Fact<{ at: string }>;
  promotion: Fact<{ last: Promotion | null }>;
  /** The move before this one; absent in the facts of runs from before it was looked for. */
  lastMove?: Fact<{ last: LastMove | null }>;
  pods: PodFacts[];
  configs: ConfigFacts[];
  dns: DnsFacts;
  rights: RightFacts[];
  edge: Fact<EdgeFacts>;
  probes: Fact<ProbeFacts>;
  /** Whom this process calls in vain, now that all of it was tried once more. Absent in plans of an older Muster. */
  failingCalls?: Failing[];
};

/**
 * Looks at everything a move of one service stands on, all at once; no look takes much longer than the call timeout, and
 * one that sees nothing says so.
 * @throws UserError when the estate does not have what was named.
 */
export async function lookAtFailover(
  ctx: Context,
  { service, toRegion }: { service: string; toRegion: string },
): Promise<FailoverFacts> {
  const targets = targetsOf(ctx.estate, service, toRegion);
  const { from, fromRegion } = targets;
  const application = await lookAtApplication(ctx, targets);
  const [databases, lastBeat, promotion, lastMove, pods, dns, rights, edge, probes] = await Promise.all([
    lookAtDatabases(ctx, targets, application),
    lookAtLastBeat(ctx, from.instance),
    lookAtPromotions(ctx, service),
    lookAtLastMove(ctx, service),
    lookAtPods(ctx, targets),
    lookAtDns(ctx, targets),
    lookAtRights(ctx, targets),
    lookAtEdge(ctx, targets),
    lookAtProbes(ctx, service),
  ]);
  const configs = await lookAtConfigs(ctx, targets, seen(databases.to.instance)?.endpoint?.host);
  const said = { service, toRegion, fromRegion, objectives: objectives(targets.service) };
  const lookedAt = ctx.now().toISOString();
  const failingCalls = listFailingCalls(ctx);
  return {
    ...said,
    lookedAt,
    application,
    ...databases,
    lastBeat,
    promotion,
    lastMove,
    pods,
    configs,
    dns,
    rights,
    edge,
    probes,
    failingCalls,
  };
}

type Looked = Pick<FailoverFacts, "to" | "from">;

async function lookAtDatabases(
  ctx: Context,
  { from, to }: ReturnType<typeof targetsOf>,
  application: FailoverFacts["application"],
): Promise<Looked> {
  // The old side's address is recalled first: its region's control plane may be what died.
  const recalled = await recallInstance(ctx, from);
  const server = (side: typeof from, instance: Instance | undefined) => {
    const endpoint = instance?.endpoint;
    const app = seen(application);
    if (!app) return Promise.resolve(notSeen(ctx, whyUnseen(application) ?? "its database is not known"));
    if (!endpoint) return Promise.resolve(notSeen(ctx, `the address of ${side.instance} is not known`));
    return lookAtServer(ctx, { instance: side.instance, database: app.database, role: app.role, ...endpoint });
  };
  const [newSide, oldSide] = await Promise.all([
    lookAtInstance(ctx, to).then(async (instance) => ({ instance, server: await server(to, seen(instance)) })),
    Promise.all([lookAtInstance(ctx, from), recalled ? server(from, recalled) : undefined]).then(
      async ([instance, early]) => {
        const known = seen(instance) ?? recalled;
        return { instance, ...(known ? { known } : {}), server: early ?? (await server(from, known)) };
      },
    ),
  ]);
  return { to: newSide, from: oldSide };
}
