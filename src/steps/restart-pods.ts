import { isConflict, listPods } from "../adapters/kubernetes.ts";
import { step, type Json, type Reads, type StepContext } from "../engine/step.ts";
import { isCurrent, lookAtDeployments, pods, setReplicas, type SeenDeployment } from "./scaling.ts";
import { spelt, type DeploymentTarget } from "./targets.ts";

export type RestartPodsInput = { service: string; toRegion: string; deployments: DeploymentTarget[] };

type Seen = SeenDeployment & {
  /** Pods that still run with the configuration of before. */
  stale: number;
};

export type RestartPodsSeen = { deployments: Seen[] };

/** How long old pods may take to end before the attempt is given up, in seconds; a pod's own grace is 30 by default. */
const endingSeconds = 120;
const betweenLooksSeconds = 2;

/** Restarts the pods that started before their configuration changed, by scaling to 0 and back: nobody is served yet. */
export const restartPods = step<RestartPodsInput, RestartPodsSeen>({
  name: "restart-pods",
  title: ({ service, toRegion }) => `restart the pods of ${service} in ${toRegion} that know the old configuration`,

  observe: async (ctx, { deployments }, reads) => ({ deployments: await look(ctx, deployments, staleOf(reads)) }),

  missing({ deployments }) {
    for (const deployment of deployments) {
      const { replicas: wanted, scale, stale } = deployment;
      const named = spelt(deployment);
      if (stale > 0) return `${pods(stale)} of ${named} still run with the configuration of before`;
      if (scale.replicas < wanted) return `${named} wants ${pods(scale.replicas)}, not ${wanted}`;
      if (!isCurrent(deployment)) return `the cluster has not yet seen that ${named} wants ${pods(wanted)}`;
      if (scale.ready < wanted) {
        return `${scale.ready} of ${pods(wanted)} of ${named} are ready${scale.failure ? `: ${scale.failure}` : ""}`;
      }
    }
    return undefined;
  },

  // Pods that are only not ready yet need time, not another change.
  notYet({ deployments }) {
    const undone = deployments.some(({ replicas, scale, stale }) => stale > 0 || scale.replicas < replicas);
    return undone ? undefined : waiting(deployments);
  },

  // One change for the way down and the way up: whoever takes over in between finds no pods wanted, and goes on from there.
  async apply(ctx, { deployments }, { reads }) {
    const stale = staleOf(reads);
    const giveUpAt = ctx.now().getTime() + endingSeconds * 1000;
    for (;;) {
      const now = await look(ctx, deployments, stale);
      const old = now.filter((deployment) => deployment.stale > 0);
      const [first] = old;
      const refused = await (
        first
          ? setReplicas(ctx, old, () => 0)
          : setReplicas(ctx, now, ({ replicas, scale }) => Math.max(replicas, scale.replicas))
      ).catch(orConflict);
      if (!first && !refused) return;
      if (first && ctx.now().getTime() > giveUpAt)
        throw new Error(`${pods(first.stale)} of ${spelt(first)} do not end`);
      await ctx.clock.sleep(betweenLooksSeconds, ctx.signal);
    }
  },

  undo: { nothing: "the pods run again, with the configuration as it is" },

  patienceSeconds: 600,
  settleSeconds: 10,
  pollSeconds: 3,
});

/** A deployment whose pods come and go is changed all the time: then it is looked at again. */
function orConflict(error: unknown): "conflict" {
  if (isConflict(error)) return "conflict";
  throw error;
}

async function look(ctx: StepContext, targets: DeploymentTarget[], stale: ReadonlySet<string>): Promise<Seen[]> {
  const deployments = await lookAtDeployments(ctx, targets);
  return Promise.all(
    deployments.map(async (deployment) => {
      if (stale.size === 0) return { ...deployment, stale: 0 };
      const cluster = ctx.clients.cluster(deployment.cluster);
      const alive = await listPods(ctx, cluster, deployment, { signal: ctx.signal });
      return { ...deployment, stale: alive.filter(({ uid }) => stale.has(uid)).length };
    }),
  );
}

function waiting(deployments: Seen[]): string | undefined {
  const slow = deployments.find((deployment) => !isCurrent(deployment) || deployment.scale.ready < deployment.replicas);
  return slow && `${slow.scale.ready} of ${pods(slow.replicas)} of ${spelt(slow)} are ready`;
}

/** The pods that were alive when point-config changed something; nobody, where it found everything right. */
function staleOf(reads: Reads): ReadonlySet<string> {
  const pointed: Json | undefined = reads["point-config"];
  if (typeof pointed !== "object" || pointed === null || Array.isArray(pointed)) return new Set();
  const { changed, pods: alive } = pointed;
  if (changed !== true || !Array.isArray(alive)) return new Set();
  return new Set(alive.filter((uid) => typeof uid === "string"));
}
