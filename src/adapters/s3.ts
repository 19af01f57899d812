import type { S3 } from "@aws-sdk/client-s3";
import { call, type CallContext, type CallOptions } from "../call.ts";
import { CannotContinue, endTheRun } from "../errors.ts";
import { explainDenied } from "./aws-errors.ts";

export { isRefusal } from "./aws-errors.ts";

/** An object in S3, by the region its bucket is in. */
export type S3Object = { region: string; bucket: string; key: string };

/** What an object is now. `null` where there is none. */
export type ObjectSeen = { etag: string; text: string } | null;

/** Names an object for a sentence. */
export const spellObject = ({ bucket, key }: S3Object): string => `s3://${bucket}/${key}`;

/** The host at which strangers, health checkers among them, read the objects of a bucket; its region's own, and no other's. */
export const objectHost = ({ bucket, region }: S3Object): string => `${bucket}.s3.${region}.amazonaws.com`;

/**
 * Looks at a small object with its text, in its own region. S3 shows every write at once.
 * @throws CannotContinue when the bucket is not there, or AWS refuses our rights. Without s3:ListBucket an object that is
 * not there is refused too, as if it were a secret.
 */
export async function getObject(
  ctx: CallContext,
  s3: S3,
  object: S3Object,
  options?: CallOptions,
): Promise<ObjectSeen> {
  try {
    return await call(
      ctx,
      "s3.GetObject",
      async (abortSignal) => {
        const { ETag, Body } = await s3.getObject(placeOf(object), { abortSignal });
        return { etag: ETag ?? "", text: (await Body?.transformToString()) ?? "" };
      },
      asked(object, options),
    );
  } catch (error) {
    if ((error as Error).name === "NoSuchKey") return null;
    throw explain(error, object, "read", "s3:GetObject and s3:ListBucket");
  }
}

/**
 * Puts an object where there is none: S3 refuses (PreconditionFailed) where there is one, so that a late caller overwrites
 * nothing.
 * @throws CannotContinue like `getObject`. A condition that did not hold is thrown as it is: nothing was changed
 * (`isRefusal`); look again and decide.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export async function putObject(
  ctx: CallContext,
  s3: S3,
  object: S3Object,
  text: string,
  options?: CallOptions,
): Promise<void> {
  const content = { Body: text, ContentType: "text/plain; charset=utf-8", CacheControl: "no-store" };
  const input = { ...placeOf(object), ...content, IfNoneMatch: "*" };
  try {
    await call(ctx, "s3.PutObject", (abortSignal) => s3.putObject(input, { abortSignal }), asked(object, options));
  } catch (error) {
    throw explain(error, object, "put", "s3:PutObject");
  }
}

/**
 * Deletes an object as it was seen: S3 refuses (PreconditionFailed, or NoSuchKey) where it is another by now, or gone.
 * @throws CannotContinue like `getObject`; a condition that did not hold as it is, like `putObject`.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
 */
export async function deleteObject(
  ctx: CallContext,
  s3: S3,
  object: S3Object,
  etag: string,
  options?: CallOptions,
): Promise<void> {
  const input = { ...placeOf(object), IfMatch: etag };
  try {
    await call(
      ctx,
      "s3.DeleteObject",
      (abortSignal) => s3.deleteObject(input, { abortSignal }),
      asked(object, options),
    );
  } catch (error) {
    throw explain(error, object, "delete", "s3:DeleteObject");
  }
}

/** A region's S3 has its own circuit breaker: one region that is down says nothing of the others. */
const asked = ({ region }: S3Object, options: CallOptions = {}) => ({ ...options, target: `s3 ${region}` });

const placeOf = ({ bucket, key }: S3Object) => ({ Bucket: bucket, Key: key });

function explain(error: unknown, object: S3Object, deed: string, permission: string): unknown {
  const { name } = error as Error;
  if (name !== "NoSuchBucket" && name !== "PermanentRedirect" && name !== "AuthorizationHeaderMalformed") {
    return explainDenied(error, `${deed} ${spellObject(object)}`, permission);
  }
  const where = name === "NoSuchBucket" ? "is not there" : `is not in ${object.region}`;
  return new CannotContinue(
    {
      happened: `The bucket ${object.bucket} ${where} (${name}).`,
      means: "This call changed nothing.",
      todo: `Make it in ${object.region}, then press Continue, or type the command again where no run is under way. If traffic.control in the estate is wrong: where a run is under way ${endTheRun}; then correct it and type the command anew.`,
    },
    { cause: error },
  );
}
