import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Answer } from "./api-call.ts";

/** What a signed request says about itself. The lab believes it: it checks no signature. */
export type Signature = { accessKey: string; region: string; service: string };

/** Reads the credential scope of a request's Signature Version 4, or returns undefined when it is not signed. */
export function readSignature(request: IncomingMessage): Signature | undefined {
  const scope = /Credential=([^/,\s]+)\/\d{8}\/([^/,\s]+)\/([^/,\s]+)\/aws4_request/;
  const [, accessKey, region, service] = scope.exec(request.headers.authorization ?? "") ?? [];
  return accessKey && region && service ? { accessKey, region, service } : undefined;
}

/** An answer of AWS that refuses, as its services put it. Its message is the service's, not Muster's. */
export class AwsRefusal extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = status;
  }
}

/** What one element of an XML answer holds. An element that is undefined is left out. */
export type Xml = string | number | boolean | Date | undefined | XmlList | { readonly [name: string]: Xml };

type XmlList = { readonly member: string; readonly items: readonly Xml[] } & { readonly [listMark]: true };
const listMark = Symbol("list");

/** Makes a list, which AWS writes as one element that holds a named element for each item. */
export function xmlList(member: string, items: readonly Xml[]): Xml {
  return { member, items, [listMark]: true };
}

/** Writes one element and what it holds. */
export function toXml(name: string, value: Xml, attributes = ""): string {
  if (value === undefined) return "";
  return `<${name}${attributes}>${inner(value)}</${name}>`;
}

function inner(value: Exclude<Xml, undefined>): string {
  if (value instanceof Date) return value.toISOString();
  if (isList(value)) return value.items.map((item) => toXml(value.member, item)).join("");
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([name, each]) => toXml(name, each))
      .join("");
  }
  return escapeXml(String(value));
}

function isList(value: Xml): value is XmlList {
  return typeof value === "object" && listMark in value;
}

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" };

/** Writes text so that XML reads it back as it is. */
export function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** Wraps a document as a service answers it. */
export function xmlAnswer(status: number, document: string): Answer {
  return {
    status,
    headers: { "content-type": "text/xml", "x-amzn-requestid": randomUUID() },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n${document}`,
  };
}

/** Answers a refusal in the shape that the query and the REST-XML protocols share. */
export function refusalAnswer(refusal: AwsRefusal, namespace: string): Answer {
  const Type = refusal.status >= 500 ? "Receiver" : "Sender";
  const error = { Type, Code: refusal.code, Message: refusal.message };
  const holds = { Error: error, RequestId: randomUUID() };
  return xmlAnswer(refusal.status, toXml("ErrorResponse", holds, ` xmlns="${namespace}"`));
}
