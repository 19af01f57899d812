import { badRequest, StatusError } from "./kubernetes-answers.ts";
import { entryOf, fieldsOf, isSame, ownedBy, spoken, withoutPaths } from "./kubernetes-fields.ts";
import type { ManagedFields, Manager } from "./kubernetes-fields.ts";
import { merge, withoutField } from "./kubernetes-merge.ts";
import { fit, isObject, shapes } from "./kubernetes-schema.ts";
import type { Doc, Kind } from "./kubernetes-schema.ts";

type Asked = { kind: Kind; manifest: Doc; by: Manager; force: boolean; where: { namespace: string; name: string } };

/** Applies a manifest on the server's side: fields of other managers are taken only by force. */
export function applyManifest(live: Doc, held: readonly ManagedFields[], asked: Asked) {
  const { kind, manifest, by, force } = asked;
  checkManifest(asked, String(live["apiVersion"]));
  const wanted = fieldsOf(kind, manifest);
  const is = fieldsOf(kind, live);
  const others = held.filter((entry) => !isSame(entry, by));
  const conflicts = others
    .map((entry) => ({ entry, paths: ownedBy(entry).filter((path) => differs(wanted, is, path)) }))
    .filter(({ paths }) => paths.length > 0);
  if (conflicts.length > 0 && !force) throw conflict(conflicts);
  const kept = withoutPaths(
    others,
    conflicts.flatMap(({ paths }) => paths),
  );

  let document = merge(live, manifest, shapes[kind]) as Doc;
  const before = held.filter((entry) => isSame(entry, by)).flatMap(ownedBy);
  const stillOwned = new Set(kept.flatMap(ownedBy));
  for (const path of before) {
    if (wanted.has(path) || stillOwned.has(path)) continue;
    document = withoutField(document, path.split("\n")) as Doc;
  }
  return { document, managedFields: [...kept, entryOf(by, wanted.keys())] };
}

function differs(wanted: ReadonlyMap<string, unknown>, is: ReadonlyMap<string, unknown>, path: string): boolean {
  return wanted.has(path) && JSON.stringify(wanted.get(path)) !== JSON.stringify(is.get(path));
}

function checkManifest({ kind, manifest, where }: Asked, apiVersion: string): void {
  const { metadata } = manifest;
  if (manifest["kind"] !== kind || manifest["apiVersion"] !== apiVersion) {
    const given = [manifest["apiVersion"], manifest["kind"]].map((each) => JSON.stringify(each ?? ""));
    throw badRequest(`invalid object type: apiVersion ${given[0]}, kind ${given[1]}; expected ${apiVersion}, ${kind}`);
  }
  if (isObject(metadata) && metadata["managedFields"] !== undefined) {
    throw badRequest("metadata.managedFields must be nil");
  }
  const { unknown, wrong } = fit(kind, manifest);
  const [group = "", version = ""] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
  const whose = `${where.namespace}/${where.name}; ${group}/${version}, Kind=${kind}`;
  const fault = unknown[0] === undefined ? wrong : `.${unknown[0]}: field not declared in schema`;
  // A 500 with no reason, though the caller is at fault: so it is out there.
  if (fault !== undefined) throw new StatusError(500, "", `failed to create typed patch object (${whose}): ${fault}`);
}

function conflict(conflicts: readonly { entry: ManagedFields; paths: readonly string[] }[]): StatusError {
  const causes = conflicts.flatMap(({ entry, paths }) =>
    paths.map((path) => ({
      reason: "FieldManagerConflict",
      message: `conflict with ${nameOf(entry)}`,
      field: spoken(path),
    })),
  );
  const [only] = causes;
  const listed = conflicts.flatMap(({ entry, paths }) => [
    `conflicts with ${nameOf(entry)}:`,
    ...paths.map((path) => `- ${spoken(path)}`),
  ]);
  const message =
    causes.length === 1 && only
      ? `Apply failed with 1 conflict: ${only.message}: ${only.field}`
      : `Apply failed with ${causes.length} conflicts: ${listed.join("\n")}`;
  return new StatusError(409, "Conflict", message, { causes });
}

function nameOf({ manager, operation, apiVersion, subresource }: ManagedFields): string {
  const name = JSON.stringify(manager);
  if (operation === "Apply") return name;
  return subresource
    ? `${name} with subresource ${JSON.stringify(subresource)} using ${apiVersion}`
    : `${name} using ${apiVersion}`;
}
