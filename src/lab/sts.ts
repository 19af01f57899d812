import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import { serveCall, type Answer } from "./api-call.ts";
import { AwsRefusal, readSignature, refusalAnswer, toXml, xmlAnswer } from "./aws-wire.ts";
import { Knobs } from "./knobs.ts";
import { listenHttp, readBody } from "./listening.ts";
import type { RequestLog } from "./request-log.ts";

/** STS, as far as Muster asks it: who am I? One endpoint serves all regions: it reads the region from the signature. */
export type Sts = {
  url: string;
  knobs: Knobs;
  /** What is answered to whoever asks, as to credentials that are old or unknown: "ExpiredToken". */
  refuses: string | undefined;
  /** Takes one region's STS down, or brings it back. */
  setRegion(region: string, down: Knobs["down"]): void;
  close(): Promise<void>;
};

const namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
const account = "123456789012";
const failed = refusalAnswer(new AwsRefusal("InternalFailure", "The request processing has failed.", 500), namespace);
const throttled = refusalAnswer(new AwsRefusal("Throttling", "Rate exceeded"), namespace);

/** Opens STS on an address of the lab. */
export async function openSts(options: { log: RequestLog; clock: Clock; host: string }): Promise<Sts> {
  const { log, clock, host } = options;
  const knobs = new Knobs();
  const regionsDown = new Map<string, Knobs["down"]>();
  const api = { server: "sts", log, clock, knobs, failed, throttled };
  const handle = async (http: IncomingMessage, response: ServerResponse) => {
    const action = new URLSearchParams(await readBody(http)).get("Action") ?? http.method ?? "";
    const region = readSignature(http)?.region ?? "nowhere";
    const down = regionsDown.get(region);
    if (down === "silent") return log.unanswered("sts", action, region, response);
    if (down) {
      log.close(log.begin("sts", action, region), down);
      return void http.socket.destroy();
    }
    await serveCall(
      api,
      { action, resource: region, changes: false, run: () => answer(action, self.refuses) },
      response,
    );
  };
  const onSilence = (caller: Parameters<RequestLog["unanswered"]>[3]) => log.unanswered("sts", "connect", "", caller);
  const listening = await listenHttp({ host, knobs, handle, onSilence });
  const self: Sts = {
    url: `http://${host}:${listening.port}`,
    knobs,
    refuses: undefined,
    setRegion: (region, down) => void regionsDown.set(region, down),
    close: () => listening.close(),
  };
  return self;
}

function answer(action: string, refuses: string | undefined): Answer {
  // Whoever does not ask for anything is sent to the manual.
  if (action === "GET" || action === "HEAD") {
    return { status: 302, headers: { location: "https://aws.amazon.com/iam" }, body: "" };
  }
  if (action !== "GetCallerIdentity") {
    const message = `Could not find operation ${action} for version 2011-06-15`;
    return refusalAnswer(new AwsRefusal("InvalidAction", message), namespace);
  }
  if (refuses) {
    const message = "The security token included in the request is not valid.";
    return refusalAnswer(new AwsRefusal(refuses, message, 403), namespace);
  }
  const result = { Arn: `arn:aws:iam::${account}:user/lab`, UserId: "AIDALAB", Account: account };
  const holds = { GetCallerIdentityResult: result, ResponseMetadata: { RequestId: randomUUID() } };
  return xmlAnswer(200, toXml("GetCallerIdentityResponse", holds, ` xmlns="${namespace}"`));
}
