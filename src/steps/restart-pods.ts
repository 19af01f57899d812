import { listPods } from "../adapters/kubernetes-pods.ts";
import { isConflict, restartByRollout } from "../adapters/kubernetes.ts";
import { step, type Json, type Reads, type StepContext } from "../engine/step.ts";
import { changeEach, changeShared } from "./conflicts.ts";
import {
  isCurrent,
  lookAtDeployments,
  makeAll,
  notRestored,
  pods,
  replicasRestored,
  setReplicas,
  type SeenDeployment,
} from "./scaling.ts";
import { spelt, type DeploymentTarget } from "./targets.ts";

export type RestartPodsInput = {
  service: string;
  toRegion: string;
  deployments: DeploymentTarget[];
  /** Set where the pods need only be there again: no database takes writes yet, and so none can be ready. */
  until?: "running";
};

type Seen = SeenDeployment & {
  /** Pods that still run with the configuration of before, and were not told to end. */
  stale: number;
  /** This run has asked for its rollout. */
  rolling: boolean;
};

export type RestartPodsSeen = { deployments: Seen[] };

/** How long the cluster may take to begin to end old pods before the attempt is given up, in seconds. */
const endingSeconds = 120;
const betweenLooksSeconds = 2;

/**
 * Restarts the pods that started before their configuration changed: by scaling to 0 and back, because nobody is served yet;
 * or by a rollout, where the new region serves already.
 */
export const restartPods = step<RestartPodsInput, RestartPodsSeen>({
  name: "restart-pods",
  title: ({ service, toRegion }) => `restart the pods of ${service} in ${toRegion} that know the old configuration`,

  observe: async (ctx, { deployments }, reads) => ({ deployments: await look(ctx, deployments, staleOf(reads)) }),

  missing({ deployments }, { until }) {
    for (const deployment of deployments) {
      const sentence = lacking(deployment, until);
      if (sentence) return sentence;
    }
    return undefined;
  },

  // Pods that are only not ready, or not replaced yet, need time, not another change.
  notYet({ deployments }, { until }) {
    const undone = deployments.some(
      (deployment) => mustEnd(deployment) || mustRoll(deployment) || deployment.scale.replicas < deployment.replicas,
    );
    if (undone) return undefined;
    const slow = deployments.find((deployment) => lacking(deployment, until) !== undefined);
    return slow && lacking(slow, until);
  },

  // One change for the way down and the way up: whoever takes over in between finds no pods wanted, and goes on from there.
  async apply(ctx, { deployments }, { reads }) {
    const stale = staleOf(reads);
    const giveUpAt = ctx.now().getTime() + endingSeconds * 1000;
    const pausing = AbortSignal.any([ctx.signal, ctx.stopping]);
    for (;;) {
      ctx.stopping.throwIfAborted();
      const now = await look(ctx, deployments, stale);
      const old = now.filter(mustEnd);
      const [first] = old;
      const refused = await (first ? setReplicas(ctx, old, () => 0) : startAll(ctx, now)).catch(orConflict);
      // A rollout that was asked for is looked at once more: its deployment may want more pods, too.
      if (!first && !refused && !now.some(mustRoll)) return;
      if (first && ctx.now().getTime() > giveUpAt)
        throw new Error(`${pods(first.stale)} of ${spelt(first)} do not end`);
      await ctx.clock.sleep(betweenLooksSeconds, pausing);
    }
  },

  undo: {
    // Whoever left off half way left no pods: as many are wanted again, with the configuration as it is. Pods that come and
    // go change their deployment all the time: there it is looked at again.
    apply: (ctx, _input, { seen, before }) =>
      changeEach(seen.deployments, (deployment) =>
        changeShared<SeenDeployment[]>(ctx, [deployment], {
          look: () => lookAtDeployments(ctx, [deployment]),
          change: (now) => makeAll(ctx, replicasRestored(now, before.deployments)),
        }),
      ),
    missing: (seen, before) => notRestored(seen.deployments, before.deployments),
  },

  patienceSeconds: 600,
  settleSeconds: 10,
  pollSeconds: 3,
});

/** Whether pods are to end before others may start. */
const mustEnd = ({ restart, stale }: Seen): boolean => restart !== "rollout" && stale > 0;
/** Whether the rollout is still to be asked for. */
const mustRoll = ({ restart, stale, rolling }: Seen): boolean => restart === "rollout" && stale > 0 && !rolling;

function lacking(deployment: Seen, until?: "running"): string | undefined {
  const { replicas: wanted, restart, scale, stale } = deployment;
  const named = spelt(deployment);
  if (stale > 0) return `${pods(stale)} of ${named} still run with the configuration of before`;
  if (scale.replicas < wanted) return `${named} wants ${pods(scale.replicas)}, not ${wanted}`;
  if (!isCurrent(deployment)) return `the cluster has not yet seen that ${named} wants ${pods(wanted)}`;
  const because = scale.failure ? `: ${scale.failure}` : "";
  if (until === "running")
    return scale.updated < wanted ? `${scale.updated} of ${pods(wanted)} of ${named} exist${because}` : undefined;
  if (restart !== "rollout")
    return scale.ready < wanted ? `${scale.ready} of ${pods(wanted)} of ${named} are ready${because}` : undefined;
  // It is over once all pods are of the newest template: until then, some of those that are ready will end.
  const { updated, available, existing, replicas } = scale;
  const replaced = Math.min(updated, available);
  if (replaced < replicas) return `${replaced} of ${pods(replicas)} of ${named} are replaced and ready${because}`;
  if (existing > updated) return `${pods(existing - updated)} of ${named} are still to be replaced${because}`;
  return undefined;
}

/** Asks for the rollouts that are still to be asked for, and for the pods that others want again. */
async function startAll(ctx: StepContext, deployments: Seen[]): Promise<void> {
  for (const deployment of deployments.filter(mustRoll)) {
    const change = { runId: ctx.runId, resourceVersion: deployment.scale.resourceVersion };
    const cluster = ctx.clients.cluster(deployment.cluster);
    await restartByRollout(ctx, cluster, deployment, change, { signal: ctx.signal });
  }
  const fewer = deployments.filter((deployment) => !mustRoll(deployment));
  await setReplicas(ctx, fewer, ({ replicas, scale }) => Math.max(replicas, scale.replicas));
}

/** A deployment whose pods come and go is changed all the time: then it is looked at again. */
function orConflict(error: unknown): "conflict" {
  if (isConflict(error)) return "conflict";
  throw error;
}

async function look(ctx: StepContext, targets: DeploymentTarget[], stale: ReadonlySet<string>): Promise<Seen[]> {
  const deployments = await lookAtDeployments(ctx, targets);
  return Promise.all(
    deployments.map(async (deployment) => {
      const rolling = deployment.scale.restartedBy === ctx.runId;
      if (stale.size === 0) return { ...deployment, stale: 0, rolling };
      const cluster = ctx.clients.cluster(deployment.cluster);
      const alive = await listPods(ctx, cluster, deployment, { signal: ctx.signal });
      // One that is ending shows that its controller saw the 0, and others may start: it may hang in its end for hours.
      const old = alive.filter(({ uid, terminating }) => stale.has(uid) && !terminating);
      return { ...deployment, stale: old.length, rolling };
    }),
  );
}

/** The pods that were alive when point-config changed something; nobody, where it found everything right. */
function staleOf(reads: Reads): ReadonlySet<string> {
  const pointed: Json | undefined = reads["point-config"];
  if (typeof pointed !== "object" || pointed === null || Array.isArray(pointed)) return new Set();
  const { changed, pods: alive } = pointed;
  if (changed !== true || !Array.isArray(alive)) return new Set();
  return new Set(alive.filter((uid) => typeof uid === "string"));
}
