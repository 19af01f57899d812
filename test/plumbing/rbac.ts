import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";

/** Weighs requests to a cluster against Roles, as Kubernetes does. */
export type RoleRule = { apiGroups: string[]; resources: string[]; resourceNames?: string[]; verbs: string[] };
export type Role = { kind: "Role"; metadata: { name: string; namespace: string }; rules: RoleRule[] };

export type ClusterCall = { verb: string; group: string; resource: string; namespace: string; name: string };

/** The first rule that lets a call through, or undefined. A rule with names says nothing of a list, which has none. */
export function ruleFor(roles: readonly Role[], call: ClusterCall): RoleRule | undefined {
  return roles
    .filter(({ metadata }) => metadata.namespace === call.namespace)
    .flatMap(({ rules }) => rules)
    .find(
      ({ apiGroups, resources, resourceNames, verbs }) =>
        apiGroups.includes(call.group) &&
        resources.includes(call.resource) &&
        verbs.includes(call.verb) &&
        (resourceNames === undefined || resourceNames.includes(call.name)),
    );
}

/** One line for each thing that roles let somebody do. */
export const rightsOf = (roles: readonly Role[]): string[] =>
  roles.flatMap(({ rules }) =>
    rules.flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    ),
  );

/** The Roles of a file that docs/install.md hands out: "act" is deploy/kubernetes/role-act.yaml. */
export const shippedRoles = (which: string): Role[] =>
  parseAllDocuments(readFileSync(new URL(`../../deploy/kubernetes/role-${which}.yaml`, import.meta.url), "utf8"))
    .map((document) => document.toJS() as Role)
    .filter(({ kind }) => kind === "Role");
