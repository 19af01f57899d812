import { canI, ping } from "../adapters/kubernetes.ts";
import { explainAs } from "../facts/explain.ts";
import { wantedRights, type Wanted } from "../facts/rights.ts";
import { homesOf, targetsOf } from "../facts/targets.ts";
import { forEach } from "./at-once.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";
import { lookAtWorkloads } from "./workloads.ts";

/** Whether each cluster of the estate answers, lets Muster do what moves need, and has what the estate names. */
export const clusters: Check = {
  name: "the clusters",
  look: async (ctx) =>
    (await Promise.all(Object.keys(ctx.estate.clusters).map((name) => lookAtCluster(ctx, name)))).flat(),
};

async function lookAtCluster(ctx: DoctorContext, name: string): Promise<Finding[]> {
  const subject = `the cluster ${name}`;
  try {
    const cluster = ctx.clients.cluster(name);
    const version = await ping(ctx, cluster);
    const rights = await lookAtRights(ctx, name);
    const proof = (await cluster.provesName()) ? ok(subject, `Kubernetes ${version}`) : unproven(ctx, name);
    return [proof, ...rights, ...(await lookAtWorkloads(ctx, name))];
  } catch (error) {
    return [
      broken(subject, {
        happened: `${explainAs(subject)(error)}.`.replace(/^t/, "T"),
        means: "Nothing can be scaled, restarted or pointed at another database there.",
        todo: `Look at KUBECONFIG, and at its context ${ctx.estate.clusters[name]?.context}.`,
      }),
    ];
  }
}

/** As kubectl does, Muster obeys it: a cluster whose certificate cannot be checked can still be moved out of. */
const unproven = ({ estate }: DoctorContext, name: string): Finding =>
  warning(`the cluster ${name}`, {
    happened: `The kubeconfig says insecure-skip-tls-verify of the context ${estate.clusters[name]?.context}.`,
    means: `Whoever answers in place of the cluster ${name} is believed, and is given Muster's credentials for it.`,
    todo: "Take that line out, and put the cluster's authority in its place, as certificate-authority-data.",
  });

async function lookAtRights(ctx: DoctorContext, name: string): Promise<Finding[]> {
  const wanted = rightsIn(ctx, name);
  const cluster = ctx.clients.cluster(name);
  const findings = await forEach(wanted, 8, async ({ right, deed, needed }) => {
    if (await canI(ctx, cluster, right)) return undefined;
    const resource = [right.resource, right.subresource].filter(Boolean).join("/");
    const explanation = {
      happened: `Muster may not ${deed} in the cluster ${name}.`,
      means: needed ? "A move that needs it cannot be approved." : "A move is made all the same, with one proof less.",
      todo: `Give its role in ${right.namespace} the verb ${right.verb} on ${resource}; the roles are in deploy/kubernetes.`,
    };
    return (needed ? broken : warning)(`rights in the cluster ${name}`, explanation);
  });
  const lacking = findings.filter((finding) => finding !== undefined);
  return lacking.length > 0 ? lacking : [ok(`rights in the cluster ${name}`, `all ${wanted.length} that moves need`)];
}

/** What moves in either direction need in one cluster, and what must be read there before one; each once. */
function rightsIn({ estate }: DoctorContext, cluster: string): Wanted[] {
  const moves = Object.keys(estate.services).flatMap((service) => {
    const homes = homesOf(estate, service);
    // What is in one region alone is never moved.
    return (homes.length > 1 ? homes : []).flatMap((region) => {
      const targets = targetsOf(estate, service, region);
      return [...wantedRights(targets), ...readings(targets)];
    });
  });
  const byRight = Map.groupBy(
    moves.filter((wanted) => wanted.cluster === cluster),
    ({ right }) => JSON.stringify(right),
  );
  return [...byRight.values()].flatMap(([first, ...more]) =>
    first ? [{ ...first, needed: [first, ...more].some(({ needed }) => needed) }] : [],
  );
}

function readings({ deployments, configs }: ReturnType<typeof targetsOf>): Wanted[] {
  const common = { needed: true };
  return [
    ...[...deployments.to, ...deployments.from].map(({ cluster, namespace, name }) => ({
      ...common,
      cluster,
      deed: `read the deployment ${namespace}/${name}`,
      right: { verb: "get", group: "apps", resource: "deployments", namespace, name },
    })),
    ...configs.map(({ cluster, namespace, name }) => ({
      ...common,
      cluster,
      deed: `read the config map ${namespace}/${name}`,
      right: { verb: "get", resource: "configmaps", namespace, name },
    })),
  ];
}
