import { AppsV1Api, CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import type { ApiException } from "@kubernetes/client-node";
import { Clock } from "../../src/clock.ts";
import { claimAddresses } from "../../src/lab/address.ts";
import { openAuthority } from "../../src/lab/certificates.ts";
import { openDns } from "../../src/lab/dns.ts";
import { kubeconfig, openKubernetes } from "../../src/lab/kubernetes.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { app } from "../../src/lab/shop.ts";

/** How the real client says of what kind its patch is. */
export const as = {
  json: setHeaderOptions("Content-Type", PatchStrategy.JsonPatch),
  merge: setHeaderOptions("Content-Type", PatchStrategy.MergePatch),
  strategic: setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch),
  apply: setHeaderOptions("Content-Type", PatchStrategy.ServerSideApply),
};

/** The cluster of a lab by itself, with a namespace "shop" and no pods, and the real client on it. */
export async function openCluster() {
  const addresses = await claimAddresses();
  const authority = await openAuthority();
  const clock = new Clock({ shows: new Date("2026-11-23T03:00:00Z"), rate: 60 });
  const log = new RequestLog(clock);
  const dns = await openDns({ host: addresses.host(2), clock, random: Math.random });
  const kubernetes = await openKubernetes({
    log,
    clock,
    random: () => 0.5,
    host: addresses.host(22),
    region: "us-west-2",
    context: "prod-west",
    token: "lab-token-west",
    authority,
    namespaces: [
      {
        name: "shop",
        configMaps: [
          { name: "app-config", data: { DB_HOST: "east", THEME: "blue" }, manager: "helm" },
          ...["five", "four", "three", "two"].map((name) => ({ name, data: { name } })),
        ],
        secrets: [{ name: "app-secret", data: { password: base64("hunter2"), token: base64("t0ken") } }],
        deployments: [{ name: "checkout", replicas: 0, config: { name: "app-config", key: "DB_HOST" } }],
      },
      { name: "tools", configMaps: [{ name: "one", data: {} }], deployments: [] },
    ],
    app: { resolver: dns.server, role: app },
  });
  const clientOf = (token: string): KubeConfig => {
    const client = new KubeConfig();
    client.loadFromString(kubeconfig([{ ...kubernetes, token }]));
    return client;
  };
  const client = clientOf(kubernetes.token);
  return {
    kubernetes,
    clock,
    log,
    clientOf,
    core: client.makeApiClient(CoreV1Api),
    apps: client.makeApiClient(AppsV1Api),
    async [Symbol.asyncDispose]() {
      await kubernetes.close();
      await dns.close();
      await addresses.release();
    },
  };
}

/** What a refused call says: the code, and the Status in the body if there is one. */
export async function refusal(call: Promise<unknown>): Promise<Record<string, unknown>> {
  const error = await call.then(
    () => undefined,
    (cause: ApiException<string>) => cause,
  );
  const status =
    typeof error?.body === "string" && error.body.startsWith("{") ? (JSON.parse(error.body) as object) : {};
  return { code: error?.code, body: error?.body, ...status };
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
