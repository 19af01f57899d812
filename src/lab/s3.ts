import type { IncomingMessage } from "node:http";
import type { Clock } from "../clock.ts";
import { serveCall } from "./api-call.ts";
import { readSignature } from "./aws-wire.ts";
import { Knobs } from "./knobs.ts";
import { listenHttp, readBody } from "./listening.ts";
import type { RequestLog } from "./request-log.ts";
import { answerObjectCall, failed, throttled, type Bucket } from "./s3-objects.ts";

type Options = { log: RequestLog; clock: Clock; host: string; port?: number; buckets: readonly Bucket[] };

/** S3, as far as a control object needs it. One endpoint serves all regions: it reads the region from the signature. */
export type S3 = {
  url: string;
  knobs: Knobs;
  /** Calls that the caller's role lacks: "PutObject". */
  denied: Set<string>;
  /** Takes one region's S3 down, or brings it back. */
  setRegion(region: string, down: Knobs["down"]): void;
  /** The keys of a bucket, in order. */
  keys(bucket: string): string[];
  /** Lets strangers read a bucket's objects, or no longer. */
  setPublic(bucket: string, isPublic: boolean): void;
  /** Puts an object behind everybody's back: what somebody does in the console. */
  put(bucket: string, key: string): void;
  /** What a stranger from the internet gets for an object, as a status; undefined when nobody answers. */
  publicStatus(host: string, path: string): number | undefined;
  close(): Promise<void>;
};

/** Opens S3 on an address of the lab. Objects are gone with the lab. */
export async function openS3({ log, clock, host, port = 0, buckets }: Options): Promise<S3> {
  const knobs = new Knobs();
  const denied = new Set<string>();
  const regionsDown = new Map<string, Knobs["down"]>();
  const find = (name: string) => buckets.find((bucket) => bucket.name === name);

  const listening = await listenHttp({
    host,
    port,
    knobs,
    async handle(request, response) {
      const { bucket, key } = placeOf(request);
      const body = await readBody(request);
      const action = `${{ GET: "Get", HEAD: "Head", PUT: "Put", DELETE: "Delete" }[request.method ?? ""] ?? "No"}Object`;
      // Whoever does not sign is sent where the bucket is.
      const region = readSignature(request)?.region ?? find(bucket)?.region ?? "nowhere";
      const resource = `${bucket}/${key}`;
      const down = regionsDown.get(region);
      if (down === "silent") return log.unanswered("s3", action, resource, response);
      if (down) {
        log.close(log.begin("s3", action, resource), down);
        return void request.socket.destroy();
      }
      const call = { action, key, bucket: find(bucket), bucketName: bucket, region, body, denied, now: clock.now() };
      const api = { server: "s3", log, clock, knobs, failed, throttled };
      const changes = action === "PutObject" || action === "DeleteObject";
      const run = (noted: Parameters<typeof answerObjectCall>[2]) => answerObjectCall(request, call, noted);
      await serveCall(api, { action, resource, changes, run }, response);
    },
    onSilence: (caller) => log.unanswered("s3", "connect", "", caller),
  });
  return {
    url: `http://${host}:${listening.port}`,
    knobs,
    denied,
    setRegion: (region, down) => void regionsDown.set(region, down),
    keys: (bucket) => [...(find(bucket)?.objects.keys() ?? [])].toSorted(),
    setPublic(bucket, isPublic) {
      const found = find(bucket);
      if (found) found.isPublic = isPublic;
    },
    put: (bucket, key) => void find(bucket)?.objects.set(key, { body: "", etag: '"by-hand"', at: clock.now() }),
    publicStatus(name, path) {
      const [, bucketName = "", region = ""] = /^(.+)\.s3\.([a-z0-9-]+)\.amazonaws\.com$/.exec(name) ?? [];
      const bucket = find(bucketName);
      if (knobs.down || regionsDown.get(region)) return undefined;
      if (!bucket || bucket.region !== region) return bucket ? 301 : 404;
      // Without the right to list, a stranger is not told that something is missing.
      return bucket.isPublic && bucket.objects.has(path.replace(/^\//, "")) ? 200 : 403;
    },
    close: () => listening.close(),
  };
}

/** Bucket and key of a request, as a host name of its own or as the path's first part: the SDK takes the path for addresses. */
function placeOf(request: IncomingMessage): { bucket: string; key: string } {
  const path = decodeURIComponent(new URL(request.url ?? "/", "http://lab").pathname).slice(1);
  const [, virtual] = /^(.+)\.s3[.-]/.exec(request.headers.host ?? "") ?? [];
  if (virtual) return { bucket: virtual, key: path };
  const slash = path.indexOf("/");
  return slash < 0 ? { bucket: path, key: "" } : { bucket: path.slice(0, slash), key: path.slice(slash + 1) };
}
