import { getScale, setScale, type Scale } from "../adapters/kubernetes.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { CannotContinue, correctEstate, messageOf } from "../errors.ts";
import type { StepContext } from "../engine/step.ts";
import { changeEach } from "./conflicts.ts";
import { spelt, type DeploymentTarget } from "./targets.ts";

/** A deployment as it was seen. */
export type SeenDeployment = DeploymentTarget & { scale: Scale };

/** Looks at deployments. @throws CannotContinue when one is not there. */
export async function lookAtDeployments(ctx: StepContext, targets: DeploymentTarget[]): Promise<SeenDeployment[]> {
  return Promise.all(
    targets.map(async (target) => {
      const scale = await getScale(ctx, ctx.clients.cluster(target.cluster), target, { signal: ctx.signal });
      if (!scale) throw notThere(target);
      return { ...target, scale };
    }),
  );
}

/** A deployment that could not be looked at, and why; null where there is none of that name. */
export type Unasked = DeploymentTarget & { because: string | null };

/**
 * Looks at deployments as far as they can be seen, for whoever must not be kept from something else by one that cannot: it
 * throws nothing but what ends the look itself.
 */
export async function lookAtThoseThatAnswer(
  ctx: StepContext,
  targets: DeploymentTarget[],
): Promise<{ deployments: SeenDeployment[]; unasked: Unasked[] }> {
  const looks = await Promise.all(targets.map((target) => lookOrSayWhy(ctx, target)));
  return {
    deployments: looks.filter((look) => "scale" in look),
    unasked: looks.filter((look) => "because" in look),
  };
}

async function lookOrSayWhy(ctx: StepContext, target: DeploymentTarget): Promise<SeenDeployment | Unasked> {
  try {
    const scale = await getScale(ctx, ctx.clients.cluster(target.cluster), target, { signal: ctx.signal });
    return scale ? { ...target, scale } : { ...target, because: null };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const why = whyUnreachable(error);
    const said = error instanceof CannotContinue ? error.explanation.happened : messageOf(error);
    return { ...target, because: why ? `the cluster ${target.cluster} ${why}` : said.replace(/\.+$/, "") };
  }
}

/** One change of one object, to be made. */
export type Change = (ctx: StepContext) => Promise<void>;

/** Makes changes one after another; where one is refused, `changedNothing` knows whether others were made before it. */
export const makeAll = (ctx: StepContext, changes: Change[]): Promise<void> =>
  changeEach(changes, (change) => change(ctx));

/** The changes of every deployment that wants another number of pods; one that changed since it was seen will be refused. */
export function replicaChanges(
  seen: SeenDeployment[],
  wanted: (deployment: SeenDeployment) => number | undefined,
): Change[] {
  return seen.flatMap((deployment) => {
    const replicas = wanted(deployment);
    const { replicas: now, resourceVersion } = deployment.scale;
    if (replicas === undefined || replicas === now) return [];
    const change = { replicas, resourceVersion };
    return (ctx) => setScale(ctx, ctx.clients.cluster(deployment.cluster), deployment, change, { signal: ctx.signal });
  });
}

/** Sets the pods wanted of every deployment that wants another number. */
export const setReplicas = (
  ctx: StepContext,
  seen: SeenDeployment[],
  wanted: (deployment: SeenDeployment) => number | undefined,
): Promise<void> => makeAll(ctx, replicaChanges(seen, wanted));

/** The changes that set back the pods which each deployment wanted before the first change. */
export const replicasRestored = (seen: SeenDeployment[], before: SeenDeployment[]): Change[] =>
  replicaChanges(seen, (deployment) => findSeen(before, deployment)?.scale.replicas);

/** Says which deployment does not want as many pods as before yet. */
export function notRestored(seen: SeenDeployment[], before: SeenDeployment[]): string | undefined {
  const other = seen.find((deployment) => {
    const former = findSeen(before, deployment);
    return former && isOther(deployment, former);
  });
  if (!other) return undefined;
  return `${spelt(other)} wants ${pods(other.scale.replicas)}, before it was ${findSeen(before, other)?.scale.replicas}`;
}

/** How many pods an autoscaler keeps is its own business, as long as it is on or off as before. */
function isOther({ scale, autoscaler }: SeenDeployment, { scale: former }: SeenDeployment): boolean {
  if (autoscaler !== undefined) return scale.replicas > 0 !== former.replicas > 0;
  return scale.replicas !== former.replicas;
}

/** Counts pods in words. */
export const pods = (count: number): string => (count === 1 ? "1 pod" : `${count} pods`);

/** Whether the counts of a deployment speak of what it wants now. */
export const isCurrent = ({ scale }: SeenDeployment): boolean => scale.observedGeneration >= scale.generation;

/** Finds the same deployment among others. */
export function findSeen<Seen extends DeploymentTarget>(all: readonly Seen[], one: DeploymentTarget): Seen | undefined {
  return all.find(
    ({ cluster, namespace, name }) => cluster === one.cluster && namespace === one.namespace && name === one.name,
  );
}

function notThere(target: DeploymentTarget): CannotContinue {
  return new CannotContinue({
    happened: `There is no deployment ${spelt(target)}.`,
    means: "Nothing was scaled.",
    todo: `Create it, then press Continue. If its name in the estate is wrong: ${correctEstate("it")}.`,
  });
}
