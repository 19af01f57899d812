import { request } from "node:https";
import type { Authority } from "./certificates.ts";
import type { Edge } from "./edge.ts";
import type { HealthCheckConfig, Look } from "./health-checks.ts";
import type { RecoveryCluster } from "./recovery-cluster.ts";
import type { S3 } from "./s3.ts";

/** Wall milliseconds that a look may take; real checkers wait four seconds for a connection and two for an answer. */
const patienceMs = 800;

type World = {
  s3: Pick<S3, "publicStatus">;
  recoveryCluster: Pick<RecoveryCluster, "isOn">;
  authority: Authority;
  edges: () => Record<string, Edge>;
};

/** Makes the health checkers of a lab: they reach S3 and the front doors by their names, as anybody on the internet does; routing controls they know. */
export function makeCheckers({
  s3,
  recoveryCluster,
  authority,
  edges,
}: World): (config: HealthCheckConfig) => Promise<Look> {
  return async ({ host = "", path = "/", routingControl }) => {
    if (routingControl !== undefined) {
      const isOn = recoveryCluster.isOn(routingControl) === true;
      return { ok: isOn, says: `Routing control is ${isOn ? "On" : "Off"}` };
    }
    const edge = Object.values(edges()).find(({ names }) => names.includes(host));
    const status = edge ? await askEdge(edge, { host, path, ca: authority.cert }) : s3.publicStatus(host, path);
    if (status === undefined) return { ok: false, says: "Connection timed out." };
    // Redirects are as good as an answer to a health checker.
    return { ok: status >= 200 && status < 400, says: `HTTP Status Code ${status}` };
  };
}

function askEdge(
  edge: Edge,
  { host, path, ca }: { host: string; path: string; ca: string },
): Promise<number | undefined> {
  if (edge.knobs.down) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(patienceMs);
    const asked = request({ host: edge.address, port: edge.port, path, servername: host, ca, agent: false, signal });
    asked.on("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", () => resolve(undefined));
    asked.end();
  });
}
