import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Answer } from "./api-call.ts";
import { escapeXml } from "./aws-wire.ts";
import type { LabRequest } from "./request-log.ts";

export type StoredObject = { body: string; etag: string; at: Date };

export type Bucket = {
  name: string;
  region: string;
  /** Strangers may read its objects. */
  isPublic: boolean;
  objects: Map<string, StoredObject>;
};

export type ObjectCall = {
  action: string;
  key: string;
  bucket: Bucket | undefined;
  bucketName: string;
  /** Where the caller thinks the bucket is. */
  region: string;
  body: string;
  denied: ReadonlySet<string>;
  now: Date;
};

/**
 * Answers one call about an object, refusals in S3's own words. A condition that does not hold changes nothing.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
 */
export function answerObjectCall(request: IncomingMessage, call: ObjectCall, noted: LabRequest): Answer {
  const { action, key, bucket, bucketName, region, denied } = call;
  const signed = request.headers.authorization !== undefined;
  const refuse = (status: number, code: string, message: string, more = "") =>
    errorAnswer(status, code, message, `${more}<Key>${escapeXml(key)}</Key>`);
  if (!bucket) {
    return refuse(404, "NoSuchBucket", "The specified bucket does not exist", `<BucketName>${bucketName}</BucketName>`);
  }
  if (bucket.region !== region) {
    const where = `<Endpoint>${bucket.name}.s3.${bucket.region}.amazonaws.com</Endpoint>`;
    return refuse(
      301,
      "PermanentRedirect",
      "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.",
      where,
    );
  }
  const reads = action === "GetObject" || action === "HeadObject";
  if (denied.has(action) || (!signed && !(bucket.isPublic && reads && bucket.objects.has(key)))) {
    return refuse(403, "AccessDenied", "Access Denied");
  }
  const stored = bucket.objects.get(key);
  const unmet = (header: string) =>
    refuse(
      412,
      "PreconditionFailed",
      "At least one of the pre-conditions you specified did not hold",
      `<Condition>${header}</Condition>`,
    );
  const missing = () => refuse(404, "NoSuchKey", "The specified key does not exist.");
  const { "if-none-match": ifNone, "if-match": ifMatch } = request.headers;
  if (action === "PutObject") {
    if (ifNone === "*" && stored) return unmet("If-None-Match");
    return put(call, bucket, noted);
  }
  if (action === "DeleteObject") {
    if (ifMatch !== undefined && !stored) return missing();
    if (ifMatch !== undefined && ifMatch !== "*" && stored?.etag !== ifMatch) return unmet("If-Match");
    if (bucket.objects.delete(key)) noted.effects.push({ target: `s3:${bucket.name}/${key}`, wanted: "absent" });
    return { status: 204, headers: common(), body: "" };
  }
  if (!reads) return refuse(405, "MethodNotAllowed", "The specified method is not allowed against this resource.");
  if (!stored) return action === "HeadObject" ? { status: 404, headers: common(), body: "" } : missing();
  const headers = { ...common(), etag: stored.etag, "last-modified": stored.at.toUTCString() };
  return { status: 200, headers, body: action === "HeadObject" ? "" : stored.body };
}

function put({ key, body, now }: ObjectCall, bucket: Bucket, noted: LabRequest): Answer {
  const etag = `"${createHash("md5").update(body).digest("hex")}"`;
  bucket.objects.set(key, { body, etag, at: now });
  noted.effects.push({ target: `s3:${bucket.name}/${key}`, wanted: "present" });
  return { status: 200, headers: { ...common(), etag }, body: "" };
}

const common = (): Record<string, string> => ({
  "x-amz-request-id": randomBytes(8).toString("hex").toUpperCase(),
  "x-amz-id-2": randomBytes(24).toString("base64"),
});

function errorAnswer(status: number, code: string, message: string, more = ""): Answer {
  const headers: Record<string, string> = { ...common(), "content-type": "application/xml" };
  const ids = `<RequestId>${headers["x-amz-request-id"]}</RequestId><HostId>${headers["x-amz-id-2"]}</HostId>`;
  const inner = `<Code>${code}</Code><Message>${escapeXml(message)}</Message>${more}${ids}`;
  return { status, headers, body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${inner}</Error>` };
}

/** S3's own answers for "it broke" and "slow down". */
export const failed = errorAnswer(500, "InternalError", "We encountered an internal error. Please try again.");
export const throttled = errorAnswer(503, "SlowDown", "Please reduce your request rate.");
