import { canI, getScale } from "../adapters/kubernetes.ts";
import { findAutoscaler } from "../adapters/kubernetes-autoscalers.ts";
import { CannotContinue } from "../errors.ts";
import type { Deployment, GitOpsEntry } from "../estate.ts";
import { isPausedByMove, remedyFor } from "../facts/gitops.ts";
import { capital } from "../spelling.ts";
import type { DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";

/** Looks whether an autoscaler owns a deployment, and lets it have the pods that the estate wants; `gitops` is paused for a move. */
export async function lookAtAutoscaler(
  ctx: DoctorContext,
  deployment: Deployment,
  gitops: readonly GitOpsEntry[] = [],
): Promise<Finding[]> {
  const { cluster: clusterName, namespace, name, replicas } = deployment;
  const cluster = ctx.clients.cluster(clusterName);
  const subject = `the autoscaler of ${namespace}/${name} in the cluster ${clusterName}`;
  try {
    const found = await findAutoscaler(ctx, cluster, { namespace, name });
    if (!found) return [];
    const right = { verb: "patch", group: "autoscaling", resource: "horizontalpodautoscalers", namespace };
    const { scaledObject, owner } = found;
    const most = scaledObject === undefined ? "its maxReplicas" : `maxReplicaCount of its ScaledObject ${scaledObject}`;
    if (found.max < replicas)
      return [
        broken(subject, {
          happened: `The autoscaler ${found.name} lets ${namespace}/${name} have at most ${found.max} pods.`,
          means: `A move to its region wants ${replicas} there, and cannot be approved.`,
          todo: `Set ${most} to ${replicas} or more, or lower the replicas in the estate file.`,
        }),
      ];
    if (scaledObject !== undefined && found.min < replicas)
      return [
        broken(subject, {
          happened: `The autoscaler ${found.name} keeps at least ${found.min} of ${replicas} pods, and KEDA would undo a change of that.`,
          means: "A move to its region is blocked.",
          todo: `Set minReplicaCount of its ScaledObject ${scaledObject} to ${replicas}.`,
        }),
      ];
    if (scaledObject !== undefined && replicas > 0 && (await isStopped(ctx, deployment)))
      return [
        broken(subject, {
          happened: `The autoscaler ${found.name} is KEDA's, which has the pods of ${namespace}/${name} at 0 and would stop again what a move starts.`,
          means: "A move to its region is blocked.",
          todo: `Set minReplicaCount of its ScaledObject ${scaledObject} to ${replicas}, and take its idleReplicaCount away.`,
        }),
      ];
    if (owner?.gitops && !isPausedByMove(gitops, owner))
      return [
        broken(subject, {
          happened: `How many pods the autoscaler ${found.name} keeps of ${namespace}/${name} is set by ${owner.manager}.`,
          means: "It would put the old number back, so that a move to its region is blocked.",
          todo: `${capital(remedyFor(owner, "number"))}.`,
        }),
      ];
    if (found.min < replicas && !(await canI(ctx, cluster, { ...right, name: found.name })))
      return [
        broken(subject, {
          happened: `Muster may not change the autoscaler ${found.name} in the cluster ${clusterName}.`,
          means: "A move that needs it cannot be approved.",
          todo: `Give its role in ${namespace} the verb patch on horizontalpodautoscalers; deploy/kubernetes/role-autoscaler.yaml has it.`,
        }),
      ];
    const paused =
      scaledObject === undefined ? "" : `; a graceful move out wants its ScaledObject ${scaledObject} paused`;
    return [ok(subject, `${found.name} keeps ${found.min} to ${found.max} pods${paused}`)];
  } catch (error) {
    if (!(error instanceof CannotContinue)) throw error;
    return [
      warning(subject, {
        happened: `Muster may not look for autoscalers in ${namespace} of the cluster ${clusterName}.`,
        means: "One that owns a deployment there would fight with a move.",
        todo: `Give its role in ${namespace} the verb list on horizontalpodautoscalers.`,
      }),
    ];
  }
}

/** Whether a deployment wants no pods. That it is not there, or that Muster may not look at it, is a finding of its own. */
async function isStopped(ctx: DoctorContext, { cluster, namespace, name }: Deployment): Promise<boolean> {
  try {
    return (await getScale(ctx, ctx.clients.cluster(cluster), { namespace, name }))?.replicas === 0;
  } catch (error) {
    if (error instanceof CannotContinue) return false;
    throw error;
  }
}
