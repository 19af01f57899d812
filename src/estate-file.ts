import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { LineCounter, parseDocument, type Document } from "yaml";
import type { z } from "zod";
import { findDependencyCycles } from "./dependency-cycles.ts";
import { messageOf, UserError } from "./errors.ts";
import { Estate, ownerOf, type Database, type Traffic } from "./estate.ts";

/** A fault of the estate file, at its place. */
type Fault = { line: number; column: number; where: string; says: string };

/**
 * Loads the estate file and proves it whole: shape, names that must exist, nothing owned twice.
 * @throws UserError that lists every fault as file:line:column.
 */
export const loadEstate = (path: string): Estate => readEstate(path).estate;

/** The same, with the beginning of what `sha256sum` says of the very bytes that were read. @throws UserError like loadEstate. */
export function readEstate(path: string): { estate: Estate; sha256: string } {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UserError({
      happened: `The estate file "${path}" could not be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}).`,
      means: "Muster does not know what to look after, and touched nothing.",
      todo: "Set ESTATE to the file's path; docs/estate.md shows the smallest one.",
    });
  }
  const sha256 = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  return { estate: parseEstate(bytes.toString("utf8"), path), sha256 };
}

/** Reads an estate from YAML text; `path` is only named in faults. @throws UserError like loadEstate. */
export function parseEstate(text: string, path: string): Estate {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0) {
    throw refuse(
      path,
      document.errors.map((error) => ({ ...at(error.pos[0]), where: "", says: sentence(error.message) })),
    );
  }
  const locate = (keys: PropertyKey[]) => at(offsetOf(document, keys));
  const parsed = Estate.safeParse(valueOf(document, path));
  if (!parsed.success)
    throw refuse(
      path,
      parsed.error.issues.flatMap((issue) => faultsOf(issue, locate)),
    );
  const faults = faultsWithin(parsed.data).map(({ keys, says }) => ({ ...locate(keys), where: keys.join("."), says }));
  if (faults.length > 0) throw refuse(path, faults);
  return parsed.data;
}

/** What the text says, with its aliases followed. @throws UserError for aliases that would never end, or never stop growing. */
function valueOf(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw refuse(path, [{ line: 1, column: 1, where: "", says: sentence(messageOf(error)) }]);
  }
}

function refuse(path: string, faults: Fault[]): UserError {
  const shown = faults
    .slice(0, 20)
    .map(({ line, column, where, says }) => `  ${path}:${line}:${column} ${where ? `${where}: ` : ""}${says}`);
  const more = faults.length > 20 ? `\n  and ${faults.length - 20} more` : "";
  return new UserError({
    happened: `The estate file has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}:\n${shown.join("\n")}${more}\n`,
    means: "It was not loaded, and nothing was changed.",
    todo: "Correct it and try again; docs/estate.md explains every key.",
  });
}

function faultsOf(issue: z.core.$ZodIssue, locate: (keys: PropertyKey[]) => { line: number; column: number }): Fault[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const keys = [...issue.path, key];
      return { ...locate(keys), where: keys.join("."), says: "there is no such key" };
    });
  }
  return [{ ...locate(issue.path), where: issue.path.join("."), says: sentence(issue.message) }];
}

const sentence = (message: string): string => (message.split("\n")[0] ?? message).replace(/^Invalid input: /, "");

/** Finds where a path of keys stands in the text; the nearest parent where the last key is missing. */
function offsetOf(document: Document, keys: PropertyKey[]): number {
  for (let length = keys.length; length > 0; length -= 1) {
    const parent = document.getIn(keys.slice(0, length - 1), true);
    const last = keys[length - 1];
    const items = (parent as { items?: { key?: { value?: unknown; range?: number[] } }[] } | undefined)?.items;
    const pair = items?.find((item) => item.key?.value === last);
    if (pair?.key?.range?.[0] !== undefined) return pair.key.range[0];
    const node = document.getIn(keys.slice(0, length), true) as { range?: number[] } | undefined;
    if (node?.range?.[0] !== undefined) return node.range[0];
  }
  return 0;
}

/** What a schema of single values cannot see: names that must exist, and things that must not be owned twice. */
function faultsWithin(estate: Estate): { keys: PropertyKey[]; says: string }[] {
  const faults: { keys: PropertyKey[]; says: string }[] = [];
  for (const [index, name] of estate.breakGlass.entries()) {
    if (!estate.approvers.includes(name))
      faults.push({ keys: ["breakGlass", index], says: `"${name}" is not among the approvers` });
  }
  for (const list of ["approvers", "region_approvers"] as const) {
    const names = estate[list] ?? [];
    for (const [index, name] of names.entries()) {
      if (!Object.hasOwn(estate.people, name))
        faults.push({ keys: [list, index], says: `"${name}" is not among the people` });
      if (names.indexOf(name) !== index) faults.push({ keys: [list, index], says: `"${name}" stands here twice` });
    }
  }
  for (const [name, person] of Object.entries(estate.people)) {
    for (const key of ["slack", "terminal"] as const) {
      const owner = ownerOf(estate.people, key, person[key]) ?? name;
      if (owner !== name)
        faults.push({ keys: ["people", name, key], says: `"${person[key]}" belongs to "${owner}" already` });
    }
  }
  const owned = new Map<string, string>();
  const own = (thing: string, service: string, keys: PropertyKey[]) => {
    const other = owned.get(thing);
    if (other !== undefined && other !== service)
      faults.push({ keys, says: `${thing} belongs to the service "${other}" already` });
    owned.set(thing, service);
  };
  /** What a service names once: of two the one would be what is left, and the other what is moved to. */
  const ownOnce = (thing: string, service: string, keys: PropertyKey[]) => {
    if (owned.get(thing) === service) faults.push({ keys, says: `${thing} stands here twice` });
    own(thing, service, keys);
  };
  for (const [name, service] of Object.entries(estate.services)) {
    const keys = ["services", name];
    own(`the record ${service.traffic.name} of zone ${service.traffic.zone}`, name, [...keys, "traffic", "name"]);
    for (const fault of trafficFaults(estate, service.traffic)) {
      faults.push({ keys: [...keys, "traffic", ...fault.keys], says: fault.says });
    }
    if (service.traffic.driver === "route53-switch") {
      const { bucket, key } = service.traffic.control;
      own(`the control object ${bucket}/${key}`, name, [...keys, "traffic", "control", "key"]);
    }
    if (service.traffic.driver === "arc-routing-control") {
      for (const [region, arn] of Object.entries(service.traffic.controls))
        own(`the routing control ${arn}`, name, [...keys, "traffic", "controls", region]);
    }
    for (const [index, { writer, replica }] of service.databases.entries()) {
      const place = [...keys, "databases", index];
      for (const [role, side] of Object.entries({ writer, replica })) {
        const [thing, key] = thingOf(side);
        own(thing, name, [...place, role, key]);
        if (!estate.regions.includes(side.region))
          faults.push({ keys: [...place, role, "region"], says: `"${side.region}" is not among the regions` });
      }
      if (writer.region === replica.region)
        faults.push({ keys: [...place, "replica", "region"], says: "the replica is in the writer's region" });
      if ("host" in replica && thingOf(writer)[0] === thingOf(replica)[0])
        faults.push({ keys: [...place, "replica", "host"], says: "the replica is the writer itself" });
    }
    for (const [index, { cluster, namespace, name: one }] of service.deployments.entries())
      ownOnce(`the deployment ${namespace}/${one} in the cluster ${cluster}`, name, [
        ...keys,
        "deployments",
        index,
        "name",
      ]);
    for (const [index, { cluster, namespace, name: map, key }] of service.configs.entries())
      ownOnce(`the key ${key} of ${namespace}/${map} in the cluster ${cluster}`, name, [
        ...keys,
        "configs",
        index,
        "key",
      ]);
    for (const list of ["deployments", "configs", "gitops"] as const) {
      for (const [index, { cluster, region }] of service[list].entries()) {
        if (!Object.hasOwn(estate.clusters, cluster))
          faults.push({ keys: [...keys, list, index, "cluster"], says: `"${cluster}" is not among the clusters` });
        if (!estate.regions.includes(region))
          faults.push({ keys: [...keys, list, index, "region"], says: `"${region}" is not among the regions` });
      }
    }
    if (service.databases.length === 0 && service.configs.length > 0) {
      const says = "the service has no database whose host name these keys could hold";
      faults.push({ keys: [...keys, "configs"], says });
    }
    if (service.statusComponents.length > 0 && !estate.statusPage)
      faults.push({ keys: [...keys, "statusComponents"], says: "the estate names no statusPage" });
    for (const [index, other] of service.dependsOn.entries()) {
      if (!Object.hasOwn(estate.services, other))
        faults.push({ keys: [...keys, "dependsOn", index], says: `"${other}" is not among the services` });
    }
    for (const region of Object.keys(service.health.edges)) {
      if (!estate.regions.includes(region))
        faults.push({ keys: [...keys, "health", "edges", region], says: `"${region}" is not among the regions` });
    }
  }
  for (const { service, index, path } of findDependencyCycles(estate.services)) {
    const says = `these services need one another in a circle: ${path.join(" → ")}`;
    faults.push({ keys: ["services", service, "dependsOn", index], says });
  }
  return faults;
}

/** What one side of a database is, and the key that says so. RDS's names hold in their region only. */
function thingOf(side: Database["writer"]): [thing: string, key: string] {
  if ("host" in side) return [`the server ${side.host}:${side.port}`, "host"];
  if ("cluster" in side) return [`the cluster ${side.cluster} in ${side.region}`, "cluster"];
  return [`the instance ${side.instance} in ${side.region}`, "instance"];
}

function trafficFaults({ regions }: Estate, traffic: Traffic): { keys: PropertyKey[]; says: string }[] {
  if (traffic.driver === "arc-routing-control") return routingFaults(regions, traffic);
  if (traffic.driver !== "route53-switch") return [];
  const { primary, control } = traffic;
  const faults = [
    { keys: ["primary"], region: primary },
    { keys: ["control", "region"], region: control.region },
  ].flatMap(({ keys, region }) =>
    regions.includes(region) ? [] : [{ keys, says: `"${region}" is not among the regions` }],
  );
  const says = "the object is in the primary's region; it must be in the one that stands by";
  return control.region === primary ? [...faults, { keys: ["control", "region"], says }] : faults;
}

type Routing = Extract<Traffic, { driver: "arc-routing-control" }>;

function routingFaults(regions: readonly string[], { endpoints, controls }: Routing) {
  const faults: { keys: PropertyKey[]; says: string }[] = [];
  const arns = Object.values(controls);
  if (arns.length < 2) faults.push({ keys: ["controls"], says: "expected a routing control for each of two regions" });
  for (const [index, [region, arn]] of Object.entries(controls).entries()) {
    const keys = ["controls", region];
    if (!regions.includes(region)) faults.push({ keys, says: `"${region}" is not among the regions` });
    if (arns.indexOf(arn) < index) faults.push({ keys, says: "two regions have the same routing control" });
  }
  for (const [index, { region }] of endpoints.entries()) {
    if (endpoints.findIndex((other) => other.region === region) < index)
      faults.push({ keys: ["endpoints", index, "region"], says: `two endpoints are in ${region}` });
  }
  return faults;
}
