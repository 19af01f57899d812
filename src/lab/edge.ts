import { Agent, request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../clock.ts";
import { ports } from "./address.ts";
import type { Authority } from "./certificates.ts";
import { closeWhenStuck, TimedOut, within } from "./deadline.ts";
import { Knobs } from "./knobs.ts";
import { listenHttp, readBody } from "./listening.ts";
import type { PodView } from "./pods.ts";
import type { RequestLog } from "./request-log.ts";

type Options = {
  log: RequestLog;
  clock: Clock;
  host: string;
  port?: number;
  region: string;
  authority: Authority;
  /** A port at which it answers without TLS, too; left out, there is none. */
  plainPort?: number | undefined;
  /** Host names its certificate is for. */
  names: string[];
  /** The pods behind a host name; undefined for a name that no rule is about. */
  pods: (name: string) => readonly PodView[] | undefined;
};

export type Edge = {
  knobs: Knobs;
  region: string;
  /** What DNS answers for the region. */
  address: string;
  port: number;
  /** The host names its certificate is for. */
  names: readonly string[];
  close(): Promise<void>;
};

/** Longest wait for a pod, in lab seconds: the idle timeout of an ALB. */
const idleSeconds = 60;

type Reply = { status: number; type?: string | undefined; body: string };

/** Opens the load balancer of a region: https in front of those pods of a host name that are ready, 503 when none is. */
export async function openEdge(options: Options): Promise<Edge> {
  const { log, clock, host, port = ports.edge, plainPort, region, authority, names, pods } = options;
  const knobs = new Knobs();
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  let turn = 0;

  const answer = async (incoming: IncomingMessage): Promise<Reply> => {
    const body = await readBody(incoming);
    const behind = pods((incoming.headers.host ?? "").replace(/:\d+$/, "").toLowerCase());
    if (!behind) return page(404, "404 Not Found");
    const ready = behind.filter((pod) => pod.ready && !pod.deletedAt);
    const pod = ready[(turn += 1) % ready.length];
    if (!pod?.address) return page(503, "503 Service Temporarily Unavailable");
    const over = new AbortController();
    try {
      return await within(clock, idleSeconds, passOn(agent, pod.address, incoming, body, over.signal));
    } catch (error) {
      return error instanceof TimedOut ? page(504, "504 Gateway Time-out") : page(502, "502 Bad Gateway");
    } finally {
      over.abort();
    }
  };

  const handle = async (incoming: IncomingMessage, response: ServerResponse) => {
    const path = (incoming.url ?? "/").split("?")[0];
    const request = log.begin(`edge-${region}`, `${incoming.method} ${path}`, incoming.headers.host ?? "");
    closeWhenStuck(log, request);
    response.once("close", () => log.close(request, "dropped"));
    const fault = knobs.draw(request.action, incoming.method !== "GET");
    await knobs.dawdle(clock);
    if (fault === "hang") return log.close(request, "hangs");
    const reply = fault === "fail-before" ? page(503, "503 Service Temporarily Unavailable") : await answer(incoming);
    if (knobs.down || fault === "hang-after") return log.close(request, "hangs");
    const { status, type = "text/html", body } = fault === "fail-after" ? page(502, "502 Bad Gateway") : reply;
    response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
    response.end(body, () => log.close(request, status));
  };

  const listening = await listenHttp({
    host,
    port,
    knobs,
    tls: await authority.issue({ hosts: covering(names), addresses: [host] }),
    handle,
  });
  const plain = plainPort === undefined ? undefined : await listenHttp({ host, port: plainPort, knobs, handle });
  return {
    knobs,
    region,
    address: host,
    port: listening.port,
    names,
    async close() {
      await Promise.all([listening.close(), plain?.close()]);
      agent.destroy();
    },
  };
}

/** Nobody writes hundreds of names into a certificate: each handshake would carry them all. */
function covering(names: readonly string[]): string[] {
  if (names.length <= mostNames) return [...names];
  return [...new Set(names.map((name) => name.replace(/^[^.]+/, "*")))];
}

const mostNames = 100;

function page(status: number, title: string): Reply {
  return { status, body: `<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\r\n` };
}

function passOn(
  agent: Agent,
  to: { host: string; port: number },
  incoming: IncomingMessage,
  body: string,
  signal: AbortSignal,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = {
      "content-type": incoming.headers["content-type"] ?? "application/json",
      host: incoming.headers.host,
    };
    const request = httpRequest({ ...to, method: incoming.method, path: incoming.url, headers, agent, signal });
    request.on("error", reject);
    request.on("response", (response) => {
      readBody(response).then(
        (text) => resolve({ status: response.statusCode ?? 502, type: response.headers["content-type"], body: text }),
        reject,
      );
    });
    request.end(body);
  });
}
