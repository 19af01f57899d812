import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { S3 as S3Client } from "@aws-sdk/client-s3";
import { STS } from "@aws-sdk/client-sts";
import { deleteObject, getObject, isRefusal, putObject } from "../../src/adapters/s3.ts";
import { getIdentity } from "../../src/adapters/sts.ts";
import { Breakers } from "../../src/breaker.ts";
import { Activity } from "../../src/activity.ts";
import type { CallContext } from "../../src/call.ts";
import { Clock } from "../../src/clock.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { openS3, type S3 } from "../../src/lab/s3.ts";
import type { Bucket } from "../../src/lab/s3-objects.ts";

const nothing = () => undefined;
const ctx: CallContext = {
  point: () => Promise.resolve(),
  activity: new Activity(),
  callTimeoutMs: 2000,
  log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  redact: (text) => text,
};
const object = { region: "us-west-2", bucket: "control-west", key: "checkout/go-west" };

describe("a small object in S3", () => {
  let log: RequestLog;
  let s3: S3;
  let client: S3Client;
  const bucket: Bucket = { name: object.bucket, region: object.region, isPublic: true, objects: new Map() };
  const clientIn = (region: string) =>
    new S3Client({
      region,
      endpoint: s3.url,
      credentials: { accessKeyId: "AKIDLAB", secretAccessKey: "lab" },
      maxAttempts: 1,
    });

  beforeAll(async () => {
    const clock = new Clock();
    log = new RequestLog(clock);
    s3 = await openS3({ log, clock, host: "127.199.44.5", buckets: [bucket] });
    client = clientIn(object.region);
  });
  beforeEach(() => {
    bucket.objects.clear();
    s3.denied.clear();
  });
  afterAll(async () => {
    client.destroy();
    await s3.close();
  });
  const effects = () => log.all.flatMap((request) => request.effects.map(({ wanted }) => wanted));

  it("is put where there is none, read with its text, and deleted as it was seen", async () => {
    expect(await getObject(ctx, client, object)).toBeNull();
    await putObject(ctx, client, object, "go west\n");
    const seen = await getObject(ctx, client, object);
    expect(seen).toEqual({ etag: expect.stringMatching(/^"[0-9a-f]{32}"$/), text: "go west\n" });
    await deleteObject(ctx, client, object, seen?.etag ?? "");
    expect(await getObject(ctx, client, object)).toBeNull();
    expect(effects()).toEqual(["present", "absent"]);
  });

  it("has a circuit breaker for each region, as who AWS says we are has", async () => {
    const breakers = new Breakers({ now: () => new Date(), log: ctx.log, isTrouble: () => true });
    const calls = { ...ctx, breakers };
    const nowhere = {
      maxAttempts: 1,
      endpoint: "http://127.199.44.6:9",
      credentials: { accessKeyId: "a", secretAccessKey: "b" },
    };
    for (let time = 0; time < 5; time += 1) {
      await getObject(calls, new S3Client({ ...nowhere, region: "us-east-1" }), {
        ...object,
        region: "us-east-1",
      }).catch(nothing);
      await getIdentity(calls, new STS({ ...nowhere, region: "us-east-1" })).catch(nothing);
    }
    await getObject(calls, client, object);
    await putObject(calls, client, object, "go west\n");
    expect(breakers.states()).toEqual([
      { target: "s3 us-east-1", state: "open" },
      { target: "sts us-east-1", state: "open" },
      { target: "s3 us-west-2", state: "closed" },
    ]);
  });

  it("is never overwritten: who comes second is refused, and nothing was changed", async () => {
    await putObject(ctx, client, object, "first");
    const second = await putObject(ctx, client, object, "second").catch((error: unknown) => error);
    expect(second).toMatchObject({ name: "PreconditionFailed" });
    expect(isRefusal(second)).toBe(true);
    expect(await getObject(ctx, client, object)).toMatchObject({ text: "first" });
  });

  it("is not deleted by somebody who saw another, and not twice", async () => {
    await putObject(ctx, client, object, "newer");
    const stale = await deleteObject(ctx, client, object, '"0"').catch((error: unknown) => error);
    expect(stale).toMatchObject({ name: "PreconditionFailed" });
    const seen = await getObject(ctx, client, object);
    await deleteObject(ctx, client, object, seen?.etag ?? "");
    const again = await deleteObject(ctx, client, object, seen?.etag ?? "").catch((error: unknown) => error);
    expect(again).toMatchObject({ name: "NoSuchKey" });
    expect(isRefusal(again)).toBe(true);
  });

  it.each([
    ["a right that is missing", /^AWS did not let Muster put s3:\/\/control-west\/checkout\/go-west \(s3:PutObject/],
    [
      "a bucket that is not there",
      /^The bucket control-east is not there \(NoSuchBucket\)\. This call changed nothing\./,
    ],
    ["a bucket in another region", /^The bucket control-west is not in us-east-1 \(PermanentRedirect\)\./],
  ])("says %s in three sentences", async (name, words) => {
    const elsewhere = clientIn("us-east-1");
    if (name.startsWith("a right")) s3.denied.add("PutObject");
    const attempt = {
      "a right that is missing": () => putObject(ctx, client, object, "x"),
      "a bucket that is not there": () => putObject(ctx, client, { ...object, bucket: "control-east" }, "x"),
      "a bucket in another region": () => getObject(ctx, elsewhere, { ...object, region: "us-east-1" }),
    }[name];
    await expect(attempt?.()).rejects.toThrow(words);
    elsewhere.destroy();
  });

  it("needs its own region, and no other", async () => {
    s3.setRegion("us-east-1", "refuses");
    expect(await getObject(ctx, client, object)).toBeNull();
    s3.setRegion("us-west-2", "refuses");
    await expect(getObject(ctx, client, object)).rejects.toThrow(/socket hang up|ECONNRESET/);
    s3.setRegion("us-west-2", false);
    s3.setRegion("us-east-1", false);
  });

  it("is read by strangers where it is there and the bucket lets them; they are not told what is missing", async () => {
    const host = `${object.bucket}.s3.${object.region}.amazonaws.com`;
    const status = () => s3.publicStatus(host, `/${object.key}`);
    expect(status()).toBe(403);
    await putObject(ctx, client, object, "go west");
    expect(status()).toBe(200);
    expect((await fetch(`${s3.url}/${object.bucket}/${object.key}`)).status).toBe(200);
    bucket.isPublic = false;
    expect(status()).toBe(403);
    bucket.isPublic = true;
    s3.setRegion(object.region, "silent");
    expect(status()).toBeUndefined();
    s3.setRegion(object.region, false);
  });
});
