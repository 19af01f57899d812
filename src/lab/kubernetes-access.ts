/** What Muster's service account may do: the least a failover needs. */
export type Rule = { group: string; resource: string; verbs: string[] };

export const musterRules: Rule[] = [
  { group: "", resource: "configmaps", verbs: ["get", "list", "patch"] },
  { group: "", resource: "pods", verbs: ["get", "list"] },
  { group: "apps", resource: "deployments", verbs: ["get", "list"] },
  { group: "apps", resource: "deployments/scale", verbs: ["get", "patch"] },
];

/** Tells whether the rules let somebody do something. */
export function mayDo(rules: readonly Rule[], group: string, resource: string, verb: string): boolean {
  return rules.some((rule) => rule.group === group && rule.resource === resource && rule.verbs.includes(verb));
}

type Review = { kind?: string; spec?: { resourceAttributes?: Record<string, string> } };

/** Answers "may I?" as a SelfSubjectAccessReview does. */
export function review(rules: readonly Rule[], asked: unknown): object {
  const { spec = {} } = (asked ?? {}) as Review;
  const { group = "", resource = "", subresource, verb = "" } = spec.resourceAttributes ?? {};
  const allowed = mayDo(rules, group, subresource ? `${resource}/${subresource}` : resource, verb);
  return {
    kind: "SelfSubjectAccessReview",
    apiVersion: "authorization.k8s.io/v1",
    metadata: {},
    spec,
    status: allowed ? { allowed, reason: 'RBAC: allowed by RoleBinding "muster/shop"' } : { allowed },
  };
}
