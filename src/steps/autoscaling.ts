import { getAutoscaler, setLeastPods, type Autoscaler } from "../adapters/kubernetes-autoscalers.ts";
import { CannotContinue } from "../errors.ts";
import type { StepContext } from "../engine/step.ts";
import { findSeen, pods, type Change, type SeenDeployment } from "./scaling.ts";
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
 * The changes after which each autoscaler keeps at least the pods that are wanted.
 *
 * @throws CannotContinue where one may not have so many.
 */
export function boundsRaised(deployments: Scaled[]): Change[] {
  const low = deployments.filter((deployment) => keepsTooFew(deployment) !== undefined);
  for (const deployment of low) if ((deployment.bounds?.max ?? 0) < deployment.replicas) throw tooLow(deployment);
  return low.flatMap((deployment) => setLeast(deployment, deployment.replicas));
}

/** The changes that set back how many pods each autoscaler kept before the first change. */
export const boundsRestored = (seen: Scaled[], before: Scaled[]): Change[] =>
  seen.flatMap((deployment) => setLeast(deployment, findSeen(before, deployment)?.bounds?.min));

/** Says which autoscaler does not keep as few pods as before yet. */
export function boundsNotRestored(seen: Scaled[], before: Scaled[]): string | undefined {
  for (const { bounds, ...deployment } of seen) {
    const former = findSeen(before, deployment)?.bounds?.min;
    if (bounds && former !== undefined && bounds.min !== former)
      return `the autoscaler ${bounds.name} of ${spelt(deployment)} keeps at least ${pods(bounds.min)}, before it was ${former}`;
  }
  return undefined;
}

function setLeast({ cluster, namespace, bounds }: Scaled, min: number | undefined): Change[] {
  if (!bounds || min === undefined || bounds.min === min) return [];
  const { name, resourceVersion } = bounds;
  const change = { min, resourceVersion };
  return [
    (ctx) => setLeastPods(ctx, ctx.clients.cluster(cluster), { namespace, name }, change, { signal: ctx.signal }),
  ];
}

function tooLow({ bounds, replicas, ...deployment }: Scaled): CannotContinue {
  return new CannotContinue({
    happened: `The autoscaler ${bounds?.name} of ${spelt(deployment)} lets it have at most ${pods(bounds?.max ?? 0)}, and ${replicas} are wanted.`,
    means: "No autoscaler was changed.",
    todo: `Set its maxReplicas to ${replicas} or more, then press Continue.`,
  });
}
