/** What Muster's service account may do: the least a failover needs. A rule is about namespaces unless it says more. */
export type Rule = { group: string; resource: string; verbs: string[]; clusterWide?: boolean };

export const musterRules: Rule[] = [
  { group: "", resource: "configmaps", verbs: ["get", "list", "patch"] },
  { group: "", resource: "pods", verbs: ["get", "list"] },
  { group: "apps", resource: "deployments", verbs: ["get", "list"] },
  { group: "apps", resource: "deployments/scale", verbs: ["get", "patch"] },
  { group: "autoscaling", resource: "horizontalpodautoscalers", verbs: ["list"] },
];

type Asked = { group: string; resource: string; verb: string; namespace: string };

/** Tells whether the rules let somebody do something; without a namespace it is about all of them. */
export function mayDo(rules: readonly Rule[], { group, resource, verb, namespace }: Asked): boolean {
  return rules.some(
    (rule) =>
      rule.group === group &&
      rule.resource === resource &&
      rule.verbs.includes(verb) &&
      (namespace !== "" || rule.clusterWide === true),
  );
}

type Review = { kind?: string; spec?: { resourceAttributes?: Record<string, string> } };

/** Answers "may I?" as a SelfSubjectAccessReview does. */
export function review(rules: readonly Rule[], asked: unknown): object {
  const { spec = {} } = (asked ?? {}) as Review;
  const { group = "", resource = "", subresource, verb = "", namespace = "" } = spec.resourceAttributes ?? {};
  const part = subresource ? `${resource}/${subresource}` : resource;
  const allowed = mayDo(rules, { group, resource: part, verb, namespace });
  return {
    kind: "SelfSubjectAccessReview",
    apiVersion: "authorization.k8s.io/v1",
    metadata: {},
    spec,
    status: allowed ? { allowed, reason: 'RBAC: allowed by RoleBinding "muster/shop"' } : { allowed },
  };
}
