import { randomUUID } from "node:crypto";
import type { Answer } from "./api-call.ts";
import { AwsRefusal } from "./aws-wire.ts";

/** Answers as AWS JSON 1.0 does. @see https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html */
export function jsonAnswer(status: number, body: object): Answer {
  const headers = { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": randomUUID() };
  return { status, headers, body: JSON.stringify(body) };
}

/** Answers a refusal: its type is told in the body, with whatever its shape has beside the message. */
export function refusalJson({ code, message, status }: AwsRefusal, more: object = {}): Answer {
  const type = `com.amazonaws.route53recoverycluster#${code}`;
  return jsonAnswer(status, { __type: type, message, ...more });
}

/** A refusal that names the thing it is about. */
export class ResourceRefusal extends AwsRefusal {
  readonly resource: { resourceId: string; resourceType: string };

  constructor(code: string, message: string, resource: { resourceId: string; resourceType: string }) {
    super(code, message);
    this.resource = resource;
  }
}

/** The service's own answers for "it broke" and "slow down". */
export const failed = refusalJson(new AwsRefusal("InternalServerException", "Internal server error", 500));
export const throttled = refusalJson(new AwsRefusal("ThrottlingException", "Rate exceeded"));
