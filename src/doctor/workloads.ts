import { getConfigKey, getScale } from "../adapters/kubernetes.ts";
import { CannotContinue } from "../errors.ts";
import type { ConfigKey, Deployment, GitOpsEntry, Service } from "../estate.ts";
import { isPausedByMove } from "../facts/gitops.ts";
import { forEach } from "./at-once.ts";
import { lookAtAutoscaler } from "./autoscalers.ts";
import { lookAtGitOps } from "./gitops.ts";
import type { DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";

/** Looks whether a cluster has the deployments and the config maps that the estate says are there. */
export async function lookAtWorkloads(ctx: DoctorContext, cluster: string): Promise<Finding[]> {
  const services = Object.values(ctx.estate.services);
  const here = <Thing extends { cluster: string }>(things: Thing[]) => things.filter((one) => one.cluster === cluster);
  const deployments = here(services.flatMap((service) => service.deployments));
  const configs = here(services.flatMap((service) => service.configs));
  const gitops = here(services.flatMap((service) => service.gitops));
  const found = await Promise.all([
    forEach(gitops, 4, (entry) => lookAtGitOps(ctx, entry)),
    forEach(deployments, 4, (deployment) => unlessForbidden(() => lookAtDeployment(ctx, deployment))),
    forEach(deployments, 4, (deployment) => lookAtAutoscaler(ctx, deployment)),
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
): Promise<Finding> {
  const subject = `the deployment ${namespace}/${name} in the cluster ${cluster}`;
  const scale = await getScale(ctx, ctx.clients.cluster(cluster), { namespace, name });
  if (scale) return ok(subject, `${scale.ready} of ${scale.replicas} pods ready`);
  return broken(subject, {
    happened: `The cluster ${cluster} has no deployment ${namespace}/${name}.`,
    means: `Nothing of it can serve from ${region}.`,
    todo: "Deploy it there, or correct its name in the estate file.",
  });
}

/** What the estate names beside a key: it is paused for a move. */
const gitOpsBeside = (services: Service[], config: ConfigKey): GitOpsEntry[] =>
  services
    .filter(({ configs }) => configs.includes(config))
    .flatMap((service) => service.gitops.filter(({ region }) => region === config.region));

async function lookAtConfig(
  ctx: DoctorContext,
  { cluster, key, ...ref }: ConfigKey,
  gitops: GitOpsEntry[],
): Promise<Finding> {
  const map = `${ref.namespace}/${ref.name}`;
  const subject = `${key} of the config map ${map} in the cluster ${cluster}`;
  const found = await getConfigKey(ctx, ctx.clients.cluster(cluster), { ...ref, key });
  if (found?.owner?.gitops && !isPausedByMove(gitops, found.owner)) {
    return warning(subject, {
      happened: `${key} in ${map} is kept by ${found.owner.manager}.`,
      means: "It would put the old value back after a move.",
      todo: `Have ${found.owner.manager} leave this key alone, name it in the estate file (gitops), or pause it before a move.`,
    });
  }
  if (found?.value !== undefined) return ok(subject, found.value);
  return broken(subject, {
    happened: found ? `The config map ${map} has no key ${key}.` : `The cluster ${cluster} has no config map ${map}.`,
    means: "Pods there are not told of the new database.",
    todo: "Make it, or correct it in the estate file.",
  });
}
