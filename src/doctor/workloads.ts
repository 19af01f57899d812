import { getConfigKey, getScale } from "../adapters/kubernetes.ts";
import { CannotContinue } from "../errors.ts";
import type { ConfigKey, Deployment, GitOpsEntry, Service } from "../estate.ts";
import { isPausedByMove, remedyFor } from "../facts/gitops.ts";
import { capital } from "../spelling.ts";
import { mayHold } from "../steps/targets.ts";
import { forEach } from "./at-once.ts";
import { lookAtAutoscaler } from "./autoscalers.ts";
import { lookAtGitOps } from "./gitops.ts";
import type { DoctorContext } from "./check.ts";
import { broken, ok, type Finding } from "./finding.ts";

/** Looks whether a cluster has the deployments and the config maps that the estate says are there. */
export async function lookAtWorkloads(ctx: DoctorContext, cluster: string): Promise<Finding[]> {
  const services = Object.values(ctx.estate.services);
  const here = <Thing extends { cluster: string }>(things: Thing[]) => things.filter((one) => one.cluster === cluster);
  const deployments = here(services.flatMap((service) => service.deployments));
  const configs = here(services.flatMap((service) => service.configs));
  const gitops = Object.entries(ctx.estate.services).flatMap(([service, { gitops: entries }]) =>
    here(entries).map((entry) => ({ service, entry })),
  );
  const found = await Promise.all([
    forEach(gitops, 4, ({ service, entry }) =>
      lookAtGitOps(ctx, entry, { service, beside: gitOpsBeside(services, entry) }),
    ),
    forEach(deployments, 4, (deployment) =>
      unlessForbidden(() => lookAtDeployment(ctx, deployment, gitOpsBeside(services, deployment))),
    ),
    forEach(deployments, 4, (deployment) => lookAtAutoscaler(ctx, deployment, gitOpsBeside(services, deployment))),
    forEach(configs, 4, (config) => unlessForbidden(() => lookAtConfig(ctx, config, gitOpsBeside(services, config)))),
  ]);
  return found.flat(2).filter((finding) => finding !== undefined);
}

/** A right that is missing is a finding of its own already. */
async function unlessForbidden(look: () => Promise<Finding>): Promise<Finding | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof CannotContinue) return undefined;
    throw error;
  }
}

async function lookAtDeployment(
  ctx: DoctorContext,
  { cluster, namespace, name, region }: Deployment,
  gitops: GitOpsEntry[],
): Promise<Finding> {
  const subject = `the deployment ${namespace}/${name} in the cluster ${cluster}`;
  const scale = await getScale(ctx, ctx.clients.cluster(cluster), { namespace, name });
  if (scale?.owner?.gitops && !isPausedByMove(gitops, scale.owner))
    return broken(subject, {
      happened: `How many pods ${namespace}/${name} has is kept by ${scale.owner.manager}.`,
      means: "It would put the old number back, so that a move to its region is blocked.",
      todo: `${capital(remedyFor(scale.owner, "number"))}.`,
    });
  if (scale?.paused)
    return broken(subject, {
      happened: `The deployment ${namespace}/${name} is paused.`,
      means: "New pods of it would not start, so that a move to its region is blocked.",
      todo: `Resume it in the cluster ${cluster}: kubectl rollout resume deployment/${name} -n ${namespace}.`,
    });
  if (scale) return ok(subject, `${scale.ready} of ${scale.replicas} pods ready`);
  return broken(subject, {
    happened: `The cluster ${cluster} has no deployment ${namespace}/${name}.`,
    means: `Nothing of it can serve from ${region}.`,
    todo: "Deploy it there, or correct its name in the estate file.",
  });
}

/** What the estate names beside a key, a deployment or one of its own kind: it is paused for a move. */
const gitOpsBeside = (services: Service[], thing: ConfigKey | Deployment | GitOpsEntry): GitOpsEntry[] =>
  services
    .filter(({ configs, deployments, gitops }) => [...configs, ...deployments, ...gitops].includes(thing))
    .flatMap((service) => service.gitops.filter(({ region }) => region === thing.region));

async function lookAtConfig(
  ctx: DoctorContext,
  { cluster, key, ...ref }: ConfigKey,
  gitops: GitOpsEntry[],
): Promise<Finding> {
  const map = `${ref.namespace}/${ref.name}`;
  const subject = `${key} of the config map ${map} in the cluster ${cluster}`;
  const found = await getConfigKey(ctx, ctx.clients.cluster(cluster), { ...ref, key });
  if (!mayHold(found?.value))
    return broken(subject, {
      happened: `${key} in ${map} holds more than a host name, which Muster neither shows nor replaces.`,
      means: "A move to its region is blocked: with a host alone in its place the pods might not start.",
      todo: "Put the database's host name there, or name a key in the estate that holds the host alone.",
    });
  if (found?.owner?.gitops && !isPausedByMove(gitops, found.owner)) {
    return broken(subject, {
      happened: `${key} in ${map} is kept by ${found.owner.manager}.`,
      means: "It would put the old value back, so that a move to its region is blocked.",
      todo: `${capital(remedyFor(found.owner, "key"))}.`,
    });
  }
  if (found?.value !== undefined) return ok(subject, found.value);
  return broken(subject, {
    happened: found ? `The config map ${map} has no key ${key}.` : `The cluster ${cluster} has no config map ${map}.`,
    means: "Pods there are not told of the new database.",
    todo: "Make it, or correct it in the estate file.",
  });
}
