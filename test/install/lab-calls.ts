import { readFileSync } from "node:fs";
import {
  clustersOf,
  control as object,
  east,
  globalOf,
  instances,
  record,
  routingControls,
  west,
  zone,
} from "../../src/lab/estate.ts";
import type { LabRequest } from "../../src/lab/request-log.ts";
import { readPolicy, type AwsCall, type Policy } from "../plumbing/iam.ts";
import type { ClusterCall } from "../plumbing/rbac.ts";

export const account = "123456789012";

const [, panel = "", , control = ""] = routingControls[east].split("/");
const otherControl = routingControls[west].split("/").at(-1) ?? "";
const names = {
  account,
  zone: zone.id,
  record,
  "record-type": "A",
  region: east,
  "other-region": west,
  instance: instances[east],
  "other-instance": instances[west],
  bucket: object.bucket,
  key: object.key,
  panel,
  control,
  "other-control": otherControl,
};

/** A file of deploy/iam with the lab's names in it, but for those given; in aurora.json those of one service's clusters. */
export function shippedPolicy(file: string, service = "checkout", given: Partial<typeof names> = {}): Policy {
  const { [east]: cluster, [west]: otherCluster } = clustersOf(service);
  const aurora = { global: globalOf(service), cluster, "other-cluster": otherCluster };
  const text = readFileSync(new URL(`../../deploy/iam/${file}.json`, import.meta.url), "utf8");
  return readPolicy(text, { ...names, ...aurora, ...given });
}

/** What AWS was asked in a lab, as IAM would see it. A connection that nobody answered asked nothing. */
export function awsCalls(requests: readonly LabRequest[]): AwsCall[] {
  return requests
    .filter(({ server, action }) => ["rds", "route53", "arc", "s3"].includes(server) && action !== "connect")
    .flatMap(({ server, action, resource, status, context = {} }) => {
      if (server === "s3") {
        const asked = { action: `s3:${action}`, resource: `arn:aws:s3:::${resource}`, context };
        // Whoever may not list a bucket is not told that something is not in it.
        const [bucket = ""] = resource.split("/");
        const told = { action: "s3:ListBucket", resource: `arn:aws:s3:::${bucket}`, context };
        return action === "GetObject" && status === 404 ? [asked, told] : [asked];
      }
      // A change of several routing controls needs the right on each.
      if (server === "arc") {
        return resource
          .split(" ")
          .map((arn) => ({ action: `route53-recovery-cluster:${action}`, resource: arn, context }));
      }
      if (server === "route53") {
        const kind = action.includes("HealthCheck") ? "healthcheck" : action === "GetChange" ? "change" : "hostedzone";
        return { action: `route53:${action}`, resource: `arn:aws:route53:::${kind}/${resource}`, context };
      }
      const [region = "", id = ""] = resource.split("/");
      // The log tells of no tags; whoever follows docs/install.md has set this one on every instance and cluster.
      const conditions = { "aws:RequestedRegion": [region], "aws:ResourceTag/dr-managed": ["true"] };
      return rdsResources(action, region, id).map((arn) => ({
        action: `rds:${action}`,
        resource: arn,
        context: conditions,
      }));
    });
}

/**
 * What the right to a call of RDS has to be given on. A change of roles needs it on the global cluster and on the one that
 * is to be its primary.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html
 */
function rdsResources(action: string, region: string, id: string): string[] {
  const cluster = (where: string) => `arn:aws:rds:${where}:${account}:cluster:${id}`;
  const global = (name: string) => `arn:aws:rds::${account}:global-cluster:${name}`;
  if (action.startsWith("DescribeDBCluster")) return [cluster(region)];
  if (action === "DescribeGlobalClusters") return [global(id)];
  if (!action.endsWith("GlobalCluster")) return [`arn:aws:rds:${region}:${account}:db:${id}`];
  // The log has the target's name alone; the lab's clusters are named after their service and side.
  const service = id.replace(/-(?:east|west)$/, "");
  return [cluster(clustersOf(service)[west] === id ? west : east), global(globalOf(service))];
}

const verbs: Record<string, string> = { GET: "get", LIST: "list", PATCH: "patch", POST: "create", PUT: "update" };
/** The API groups of what is not in the core one. */
const groups: Record<string, string> = {
  deployments: "apps",
  horizontalpodautoscalers: "autoscaling",
  kustomizations: "kustomize.toolkit.fluxcd.io",
  helmreleases: "helm.toolkit.fluxcd.io",
  applications: "argoproj.io",
  applicationsets: "argoproj.io",
};
/** What everybody who is logged in may ask, by Kubernetes' own roles system:basic-user and system:public-info-viewer. */
const everybodys = ["selfsubjectaccessreviews", "version"];

/** What the clusters of a lab were asked, as RBAC would see it. */
export function clusterCalls(requests: readonly LabRequest[]): ClusterCall[] {
  return requests
    .filter(({ server, action }) => server.startsWith("kubernetes-") && action !== "connect")
    .map(({ action, resource: target }) => {
      const [method = "", resource = ""] = action.split(" ");
      const [namespace = "", name = ""] = target.split("/");
      const verb = verbs[method] ?? method;
      return { verb, group: groups[resource.split("/")[0] ?? ""] ?? "", resource, namespace, name };
    })
    .filter(({ resource }) => !everybodys.includes(resource));
}
