import { getAutoscaler, setLeastPods, type Autoscaler } from "../adapters/kubernetes-autoscalers.ts";
import { CannotContinue } from "../errors.ts";
import type { StepContext } from "../engine/step.ts";
import { findSeen, pods, type SeenDeployment } from "./scaling.ts";
import { spelt } from "./targets.ts";

/** A deployment, with the autoscaler that owns it, where one does. */
export type Scaled = SeenDeployment & { bounds?: Autoscaler };

/** Looks at the autoscalers of deployments that have one. One that is gone by now scales nothing. */
export async function lookAtBounds(ctx: StepContext, deployments: SeenDeployment[]): Promise<Scaled[]> {
  return Promise.all(
    deployments.map(async (deployment) => {
      const { cluster, namespace, autoscaler: name } = deployment;
      if (name === undefined) return deployment;
      const ref = { namespace, name };
      const bounds = await getAutoscaler(ctx, ctx.clients.cluster(cluster), ref, { signal: ctx.signal });
      return bounds ? { ...deployment, bounds } : deployment;
    }),
  );
}

/** Says whether an autoscaler may keep fewer pods than are wanted. */
export function keepsTooFew({ bounds, replicas, ...deployment }: Scaled): string | undefined {
  if (!bounds || bounds.min >= replicas) return undefined;
  return `the autoscaler ${bounds.name} of ${spelt(deployment)} keeps at least ${pods(bounds.min)}, not ${replicas}`;
}

/**
 * Has each autoscaler keep at least the pods that are wanted.
 *
 * @throws CannotContinue where one may not have so many.
 */
export async function raiseBounds(ctx: StepContext, deployments: Scaled[]): Promise<void> {
  const low = deployments.filter((deployment) => keepsTooFew(deployment) !== undefined);
  for (const deployment of low) if ((deployment.bounds?.max ?? 0) < deployment.replicas) throw tooLow(deployment);
  for (const deployment of low) await setLeast(ctx, deployment, deployment.replicas);
}

/** Sets back how many pods each autoscaler kept before the first change. */
export async function restoreBounds(ctx: StepContext, seen: Scaled[], before: Scaled[]): Promise<void> {
  for (const deployment of seen) {
    const former = findSeen(before, deployment)?.bounds?.min;
    if (former !== undefined) await setLeast(ctx, deployment, former);
  }
}

/** Says which autoscaler does not keep as few pods as before yet. */
export function boundsNotRestored(seen: Scaled[], before: Scaled[]): string | undefined {
  for (const { bounds, ...deployment } of seen) {
    const former = findSeen(before, deployment)?.bounds?.min;
    if (bounds && former !== undefined && bounds.min !== former)
      return `the autoscaler ${bounds.name} of ${spelt(deployment)} keeps at least ${pods(bounds.min)}, before it was ${former}`;
  }
  return undefined;
}

async function setLeast(ctx: StepContext, { cluster, namespace, bounds }: Scaled, min: number): Promise<void> {
  if (!bounds || bounds.min === min) return;
  const { name, resourceVersion } = bounds;
  const change = { min, resourceVersion };
  await setLeastPods(ctx, ctx.clients.cluster(cluster), { namespace, name }, change, { signal: ctx.signal });
}

function tooLow({ bounds, replicas, ...deployment }: Scaled): CannotContinue {
  return new CannotContinue({
    happened: `The autoscaler ${bounds?.name} of ${spelt(deployment)} lets it have at most ${pods(bounds?.max ?? 0)}, and ${replicas} are wanted.`,
    means: "No autoscaler was changed, and customers are where they were.",
    todo: `Set its maxReplicas to ${replicas} or more, then press Continue.`,
  });
}
