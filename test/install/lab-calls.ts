import { east, routingControls, west } from "../../src/lab/estate.ts";
import type { LabRequest } from "../../src/lab/request-log.ts";
import type { AwsCall } from "../plumbing/iam.ts";
import type { ClusterCall } from "../plumbing/rbac.ts";

export const account = "123456789012";

const [, panel = "", , control = ""] = routingControls[east].split("/");
const otherControl = routingControls[west].split("/").at(-1) ?? "";
/** What stands for the lab's routing controls in deploy/iam/routing-controls.json. */
export const controlNames = { panel, control, "other-control": otherControl };

/** What AWS was asked in a lab, as IAM would see it. A connection that nobody answered asked nothing. */
export function awsCalls(requests: readonly LabRequest[]): AwsCall[] {
  return requests
    .filter(({ server, action }) => ["rds", "route53", "arc"].includes(server) && action !== "connect")
    .flatMap(({ server, action, resource, context = {} }) => {
      // A change of several routing controls needs the right on each.
      if (server === "arc") {
        return resource
          .split(" ")
          .map((arn) => ({ action: `route53-recovery-cluster:${action}`, resource: arn, context }));
      }
      if (server === "route53") {
        const kind = action.startsWith("GetHealthCheck")
          ? "healthcheck"
          : action === "GetChange"
            ? "change"
            : "hostedzone";
        return { action: `route53:${action}`, resource: `arn:aws:route53:::${kind}/${resource}`, context };
      }
      const [region = "", id = ""] = resource.split("/");
      return {
        action: `rds:${action}`,
        resource: `arn:aws:rds:${region}:${account}:db:${id}`,
        // The lab's instances have no tags; whoever follows docs/install.md has set this one.
        context: { "aws:RequestedRegion": [region], "aws:ResourceTag/dr-managed": ["true"] },
      };
    });
}

const verbs: Record<string, string> = { GET: "get", LIST: "list", PATCH: "patch", POST: "create", PUT: "update" };
/** The API groups of what is not in the core one. */
const groups: Record<string, string> = {
  deployments: "apps",
  horizontalpodautoscalers: "autoscaling",
  kustomizations: "kustomize.toolkit.fluxcd.io",
  applications: "argoproj.io",
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
