import type { ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import type { Knobs } from "./knobs.ts";
import type { LabRequest, RequestLog } from "./request-log.ts";

export type Answer = {
  status: number;
  headers?: Record<string, string>;
  body: string;
  /** The connection breaks in the middle of it. */
  cut?: boolean;
};

export type Api = {
  server: string;
  log: RequestLog;
  clock: Clock;
  knobs: Knobs;
  /** The service's own answers for "it broke" and for "slow down". */
  failed: Answer;
  throttled: Answer;
};

export type ApiCall = {
  action: string;
  resource: string;
  changes: boolean;
  run(request: LabRequest): Answer | Promise<Answer>;
};

/** Serves one call of a lab API with the fault its knobs hold for it, and logs it. */
export async function serveCall(api: Api, call: ApiCall, response: ServerResponse): Promise<void> {
  const request = api.log.begin(api.server, call.action, call.resource);
  response.once("close", () => api.log.close(request, "dropped"));
  const fault = api.knobs.draw(call.action, call.changes);
  await api.knobs.dawdle(api.clock);
  if (fault === "hang") return api.log.close(request, "hangs");
  if (fault === "fail-before") return send(api, request, response, reciting(api.knobs, api.failed));
  if (fault === "throttle") return send(api, request, response, reciting(api.knobs, api.throttled));
  const answer = await call.run(request);
  if (fault === "hang-after") return api.log.close(request, "hangs");
  send(api, request, response, fault === "fail-after" ? reciting(api.knobs, api.failed) : answer);
}

/** Adds what a server recites to the message of its error, be it XML or JSON. */
function reciting({ recites }: Knobs, answer: Answer): Answer {
  if (!recites) return answer;
  const said = recites();
  if (!answer.body.startsWith("{")) {
    const text = said.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    return { ...answer, body: answer.body.replace("</Message>", () => ` ${text}</Message>`) };
  }
  const body = JSON.parse(answer.body) as { message?: string };
  return { ...answer, body: JSON.stringify({ ...body, message: `${body.message ?? ""} ${said}` }) };
}

function send(api: Api, request: LabRequest, response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, { ...answer.headers, "content-length": Buffer.byteLength(answer.body) });
  if (!answer.cut) return void response.end(answer.body, () => api.log.close(request, answer.status));
  response.write(answer.body.slice(0, answer.body.length / 2), () => response.destroy());
}
