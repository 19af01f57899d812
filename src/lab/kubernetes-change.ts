import { badRequest, invalidPatch, stale, type StatusError } from "./kubernetes-answers.ts";
import type { Resource } from "./kubernetes-answers.ts";
import { applyManifest } from "./kubernetes-apply.ts";
import { afterUpdate, differing, fieldsOf } from "./kubernetes-fields.ts";
import type { ManagedFields, Manager } from "./kubernetes-fields.ts";
import { applyOperations } from "./kubernetes-json-patch.ts";
import { merge } from "./kubernetes-merge.ts";
import type { Metadata } from "./kubernetes-objects.ts";
import type { Change } from "./kubernetes-patch.ts";
import { fit, isObject, shapes } from "./kubernetes-schema.ts";
import type { Doc, Kind } from "./kubernetes-schema.ts";
import { refuseInvalid } from "./kubernetes-validation.ts";

/** An object as it is written: kind, apiVersion, metadata, and the rest. */
export type Document = { kind: Kind; apiVersion: string; metadata: Metadata } & Doc;

export type How = {
  resource: Resource;
  by: Omit<Manager, "operation">;
  /** "Warn" unless asked otherwise: unknown fields are dropped, with a warning. */
  fieldValidation: string;
};

export type Changed = {
  document: Document;
  /** The fields that differ now, as their paths. */
  paths: string[];
  managedFields: ManagedFields[];
  warnings: string[];
};

/** Works out what an object becomes. Nothing is stored; a change that is refused is thrown as the server's Status. */
export function changed(before: Document, change: Change, { resource, by, fieldValidation }: How): Changed {
  const { kind, metadata } = before;
  const { name, namespace } = metadata;
  const held = metadata.managedFields;
  const manager: Manager = { ...by, operation: change.by === "apply" ? "Apply" : "Update" };
  const live = withoutManagers(before);
  const where = { namespace, name };
  const applied =
    change.by === "apply"
      ? applyManifest(live, held, { kind, manifest: change.manifest, by: manager, force: change.force, where })
      : { document: become(live, change), managedFields: undefined };
  const wanted = applied.document;

  const { value, unknown, wrong } = fit(kind, wanted);
  const strict = fieldValidation === "Strict" && unknown.length > 0;
  const fault = wrong ?? (strict ? `strict decoding error: ${unknown.map(unknownField).join(", ")}` : undefined);
  if (fault !== undefined) throw undecodable(kind, change, wanted, fault);

  const after = inStoredForm(value as Doc);
  const given = isObject(after["metadata"]) ? (after["metadata"] as Partial<Metadata>) : {};
  if (given.name !== undefined && given.name !== name) {
    throw badRequest(`the name of the object (${given.name}) does not match the name on the URL (${name})`);
  }
  if (given.resourceVersion !== undefined && given.resourceVersion !== metadata.resourceVersion)
    throw stale(resource, name);
  const { labels = {}, annotations = {} } = given;
  const document = { ...after, kind, apiVersion: before.apiVersion, metadata: { ...metadata, labels, annotations } };
  const fields = fieldsOf(kind, document);
  const paths = differing(fieldsOf(kind, before), fields);
  if (paths.length > 0) refuseInvalid(before, document);
  return {
    document,
    paths,
    managedFields: applied.managedFields ?? afterUpdate(held, manager, { changed: paths, after: fields }),
    warnings: fieldValidation === "Ignore" ? [] : unknown.map(unknownField),
  };
}

function become(live: Doc, change: Exclude<Change, { by: "apply" }>): Doc {
  if (change.by === "put") return change.object;
  if (change.by === "json-patch") return applyOperations(live, change.operations);
  const shape = change.by === "strategic-merge-patch" ? shapes[live["kind"] as Kind] : undefined;
  return merge(live, change.patch, shape) as Doc;
}

/**
 * A merge patch or JSON patch that leaves something that cannot be read is refused with the whole merged object in the
 * message, other keys' values too. A strategic one shows only itself.
 */
function undecodable(kind: Kind, change: Change, wanted: Doc, fault: string): StatusError {
  if (change.by === "put") return badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: ${fault}`);
  return invalidPatch(change.by === "strategic-merge-patch" ? change.patch : wanted, fault);
}

function withoutManagers(document: Document): Doc {
  const { managedFields: _theirs, ...metadata } = document.metadata;
  return { ...document, metadata };
}

/** A Secret's stringData is for writing only: it is stored as data. */
function inStoredForm(document: Doc): Doc {
  const { stringData, ...rest } = document;
  if (!isObject(stringData)) return rest;
  const encoded = Object.entries(stringData).map(([key, text]) => [key, Buffer.from(String(text)).toString("base64")]);
  return { ...rest, data: { ...(rest["data"] as Doc | undefined), ...(Object.fromEntries(encoded) as Doc) } };
}

const unknownField = (path: string) => `unknown field "${path}"`;
