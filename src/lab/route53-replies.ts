import { randomUUID } from "node:crypto";
import type { Answer } from "./api-call.ts";
import { fullName } from "./dns-answers.ts";
import type { ZoneRecord } from "./dns-answers.ts";
import type { Change } from "./route53-zone.ts";
import { childrenOf, parseXml, textOf, wrap, xml } from "./route53-xml.ts";
import type { Element } from "./route53-xml.ts";

const namespace = "https://route53.amazonaws.com/doc/2013-04-01/";

/** A call that Route 53 refuses, with its own code and sentence. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Writes a good answer. */
export function reply(root: string, ...inner: string[]): Answer {
  return document(200, root, inner.join(""));
}

/** Writes a refusal in the shape that Route 53 sends today; the message of a batch is a list in brackets. */
export function refusal({ status, code, message }: Refused): Answer {
  const error = wrap("Error", xml("Type", "Sender"), xml("Code", code), xml("Message", message));
  return document(status, "ErrorResponse", error + xml("RequestId", randomUUID()));
}

/** Writes a refused batch in the shape that the API reference still shows; the SDK for JavaScript calls it "Unknown". */
export function documentedRefusal(sentences: readonly string[]): Answer {
  const messages = wrap("Messages", ...sentences.map((sentence) => xml("Message", sentence)));
  return document(400, "InvalidChangeBatch", messages + xml("RequestId", randomUUID()));
}

function document(status: number, root: string, inner: string): Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${namespace}">${inner}</${root}>`;
  return { status, headers: { "content-type": "text/xml", "x-amzn-requestid": randomUUID() }, body };
}

/** Reads the changes of a ChangeResourceRecordSets request. */
export function readChanges(body: string): Change[] {
  const root = readDocument(body);
  if (root.name !== "ChangeResourceRecordSetsRequest") {
    throw new Refused(400, "MalformedInput", "ChangeBatch is not valid, expected ChangeResourceRecordSetsRequest");
  }
  const batch = childrenOf(root, "ChangeBatch")[0];
  const changes = childrenOf(childrenOf(batch, "Changes")[0], "Change");
  if (changes.length === 0) throw new Refused(400, "InvalidInput", "Invalid request: Expected at least one change");
  return changes.map(readChange);
}

function readDocument(body: string): Element {
  try {
    return parseXml(body);
  } catch (error) {
    throw new Refused(400, "MalformedInput", `Unexpected complex element termination: ${String(error)}`);
  }
}

function readChange(change: Element, index: number): Change {
  const action = textOf(change, "Action");
  const set = childrenOf(change, "ResourceRecordSet")[0];
  const name = textOf(set, "Name");
  const type = textOf(set, "Type");
  if (action !== "CREATE" && action !== "DELETE" && action !== "UPSERT") {
    const where = `changeBatch.changes.${index + 1}.member.action`;
    const rule = "Member must satisfy enum value set: [CREATE, DELETE, UPSERT]";
    throw new Refused(
      400,
      "InvalidInput",
      `1 validation error detected: Value '${action}' at '${where}' failed: ${rule}`,
    );
  }
  const setIdentifier = textOf(set, "SetIdentifier");
  const at = `in Change with [Action=${action}, Name=${name}, Type=${type}, SetIdentifier=${setIdentifier ?? "null"}]`;
  const invalid = (what: string) => new Refused(400, "InvalidInput", `Invalid request: ${what} ${at}`);
  const weight = textOf(set, "Weight");
  const failover = textOf(set, "Failover");
  const healthCheckId = textOf(set, "HealthCheckId");
  const routing = weight ?? failover;
  const ttl = textOf(set, "TTL");
  const values = childrenOf(childrenOf(set, "ResourceRecords")[0], "ResourceRecord").map(
    (record) => textOf(record, "Value") ?? "",
  );
  if (!name || !type) throw invalid(`Missing field '${name ? "Type" : "Name"}'`);
  if (routing !== undefined && setIdentifier === undefined) throw invalid("Missing field 'SetIdentifier'");
  if (weight !== undefined && failover !== undefined) {
    throw invalid("Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer], but found more");
  }
  if (routing === undefined && setIdentifier !== undefined) {
    throw invalid("Expected exactly one of [Weight, Region, Failover, GeoLocation, MultiValueAnswer], but found none");
  }
  const alias = readAlias(childrenOf(set, "AliasTarget")[0]);
  if (alias ? ttl !== undefined || values.length > 0 : ttl === undefined && values.length === 0) {
    const kinds = "[AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]";
    throw invalid(`Expected exactly one of ${kinds}, but found ${alias ? "more than one" : "none"}`);
  }
  if (!alias && ttl === undefined) throw invalid("Missing field 'TTL'");
  if (!alias && values.length === 0) throw invalid("Missing field 'ResourceRecords'");
  if (weight !== undefined && !(Number(weight) >= 0 && Number(weight) <= 255)) {
    const where = `changeBatch.changes.${index + 1}.member.resourceRecordSet.weight`;
    const rule = `Member must have value ${Number(weight) > 255 ? "less" : "greater"} than or equal to`;
    const limit = Number(weight) > 255 ? 255 : 0;
    const what = `Value '${weight}' at '${where}' failed to satisfy constraint: ${rule} ${limit}`;
    throw new Refused(400, "InvalidInput", `1 validation error detected: ${what}`);
  }
  const record: ZoneRecord = { name: fullName(name), type, ttl: Number(ttl ?? 0), values };
  if (setIdentifier !== undefined) record.setIdentifier = setIdentifier;
  if (weight !== undefined) record.weight = Number(weight);
  if (failover === "PRIMARY" || failover === "SECONDARY") record.failover = failover;
  if (healthCheckId !== undefined) record.healthCheckId = healthCheckId;
  if (alias) record.alias = alias;
  return { action, record };
}

function readAlias(element: Element | undefined): ZoneRecord["alias"] {
  if (!element) return undefined;
  return {
    zone: textOf(element, "HostedZoneId") ?? "",
    name: fullName(textOf(element, "DNSName") ?? ""),
    evaluateTargetHealth: textOf(element, "EvaluateTargetHealth") === "true",
  };
}

/** Writes one record set as ListResourceRecordSets shows it. */
export function recordXml({ name, type, ttl, values, setIdentifier, alias, ...routing }: ZoneRecord): string {
  return wrap(
    "ResourceRecordSet",
    xml("Name", name.replace(/\*/g, "\\052")),
    xml("Type", type),
    xml("SetIdentifier", setIdentifier),
    xml("Weight", routing.weight),
    xml("Failover", routing.failover),
    ...(alias
      ? [
          wrap(
            "AliasTarget",
            xml("HostedZoneId", alias.zone),
            xml("DNSName", alias.name),
            xml("EvaluateTargetHealth", alias.evaluateTargetHealth),
          ),
        ]
      : [
          xml("TTL", ttl),
          wrap("ResourceRecords", ...values.map((value) => wrap("ResourceRecord", xml("Value", value)))),
        ]),
    xml("HealthCheckId", routing.healthCheckId),
  );
}
