import type { CallContext, CallOptions } from "../call.ts";
import type { Cluster } from "./kubernetes-client.ts";
import { getObject, objectPath, type Ref } from "./kubernetes-objects.ts";

const api = "/apis/argoproj.io/v1alpha1";
const resource = "applicationsets";

/** The resource to ask rights for. */
export const applicationSetResource = { group: "argoproj.io", resource } as const;

type Spec = {
  syncPolicy?: { applicationsSync?: string };
  preservedFields?: { annotations?: string[] };
  ignoreApplicationDifferences?: { name?: string; jsonPointers?: string[] }[];
};

/** An Application, and annotations that somebody else than its ApplicationSet puts on it. */
type Annotated = { application: string; annotations: readonly string[] };

/**
 * Looks which annotations of an Application the ApplicationSet that made it would take away, because it does not name them as
 * preserved or ignored; its template is not read. Of one that is not there: all.
 * @see https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Controlling-Resource-Modification/
 */
export async function listTakenAway(
  ctx: CallContext,
  cluster: Cluster,
  ref: Ref,
  wanted: Annotated,
  options?: CallOptions,
): Promise<string[]> {
  const asked = { call: "GetApplicationSet", path: objectPath(api, resource, ref) };
  const found = (await getObject(ctx, cluster, asked, options)) as { spec?: Spec } | undefined;
  return takenAway(found?.spec, wanted);
}

/**
 * Tells which annotations an ApplicationSet leaves to nobody else. Keys are compared as they are: there are no patterns. A set
 * that only creates, or creates and deletes, modifies none of its Applications. What a jq expression ignores is not known here,
 * nor the controller's own settings: what it preserves, and a `--policy`, which goes before that of the set. Pure.
 */
export function takenAway(spec: Spec | undefined, { application, annotations }: Annotated): string[] {
  if (changesNothing.has(spec?.syncPolicy?.applicationsSync ?? "")) return [];
  const preserved = spec?.preservedFields?.annotations ?? [];
  const ignored = (spec?.ignoreApplicationDifferences ?? [])
    .filter(({ name }) => !name || name === application)
    .flatMap(({ jsonPointers = [] }) => jsonPointers);
  const isLeft = (key: string) =>
    preserved.includes(key) || ignored.includes(allOfThem) || ignored.includes(`${allOfThem}/${escaped(key)}`);
  return annotations.filter((key) => !isLeft(key));
}

/** Values of `applicationsSync` with which an Application that is there is left as it is. */
const changesNothing: ReadonlySet<string> = new Set(["create-only", "create-delete"]);

const allOfThem = "/metadata/annotations";

/** As a JSON pointer spells a key (RFC 6901). */
const escaped = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");
