import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import {
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  KubeConfig,
  PatchStrategy,
  setHeaderOptions,
  VersionApi,
} from "@kubernetes/client-node";
import type { ApiException } from "@kubernetes/client-node";
import { Clock } from "../../src/clock.ts";
import { claimAddresses } from "../../src/lab/address.ts";
import type { Addresses } from "../../src/lab/address.ts";
import { openAuthority } from "../../src/lab/certificates.ts";
import type { Authority } from "../../src/lab/certificates.ts";
import { openDns } from "../../src/lab/dns.ts";
import type { Dns } from "../../src/lab/dns.ts";
import { kubeconfig, openKubernetes } from "../../src/lab/kubernetes.ts";
import type { Kubernetes } from "../../src/lab/kubernetes.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { app } from "../../src/lab/shop.ts";
import { refusal } from "./one-cluster.ts";

const where = { namespace: "shop", name: "checkout" };
const config = { namespace: "shop", name: "app-config" };
const mergePatch = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
const east = "checkout-db.us-east-1.rds.lab";
const west = "checkout-db-west.us-west-2.rds.lab";

let addresses: Addresses;
let authority: Authority;
let clock: Clock;
let log: RequestLog;
let dns: Dns;
let kubernetes: Kubernetes;
let core: CoreV1Api;
let apps: AppsV1Api;
let client: KubeConfig;

beforeAll(async () => {
  addresses = await claimAddresses();
  authority = await openAuthority();
});
afterAll(async () => {
  await addresses.release();
});

beforeEach(async () => {
  clock = new Clock({ shows: new Date("2026-11-23T03:00:00Z"), rate: 60 });
  log = new RequestLog(clock);
  dns = await openDns({ host: addresses.host(2), clock, random: Math.random });
  kubernetes = await openKubernetes({
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
        configMaps: [{ name: "app-config", data: { DB_HOST: east, THEME: "blue" }, manager: "helm" }],
        deployments: [{ name: "checkout", replicas: 0, config: { name: "app-config", key: "DB_HOST" } }],
      },
    ],
    app: { resolver: dns.server, role: app },
  });
  client = new KubeConfig();
  client.loadFromString(kubeconfig([kubernetes]));
  core = client.makeApiClient(CoreV1Api);
  apps = client.makeApiClient(AppsV1Api);
});
afterEach(async () => {
  await kubernetes.close();
  await dns.close();
});

describe("config maps", () => {
  it("change one key and keep the rest, under the manager's name and against the version seen", async () => {
    const seen = await core.readNamespacedConfigMap(config);
    const body = { metadata: { resourceVersion: seen.metadata?.resourceVersion }, data: { DB_HOST: west } };
    const dry = await core.patchNamespacedConfigMap(
      { ...config, body, dryRun: "All", fieldManager: "muster" },
      mergePatch,
    );
    expect(dry.data).toEqual({ DB_HOST: west, THEME: "blue" });
    expect(kubernetes.config("shop", "app-config")).toEqual({ DB_HOST: east, THEME: "blue" });

    const after = await core.patchNamespacedConfigMap({ ...config, body, fieldManager: "muster" }, mergePatch);
    expect(after.data).toEqual({ DB_HOST: west, THEME: "blue" });
    const holders = after.metadata?.managedFields?.map(({ manager, fieldsV1 }) => [manager, fieldsV1]);
    expect(holders).toEqual([
      ["helm", { "f:data": { "f:THEME": {} } }],
      ["muster", { "f:data": { "f:DB_HOST": {} } }],
    ]);
    const written = log.of("kubernetes-us-west-2", "PATCH configmaps").map((request) => request.effects);
    expect(written).toEqual([[], [{ target: "kubernetes:us-west-2/shop/app-config", wanted: `DB_HOST=${west}` }]]);

    const again = await refusal(core.patchNamespacedConfigMap({ ...config, body }, mergePatch));
    expect(again).toMatchObject({ code: 409, reason: "Conflict" });
    expect(again["message"]).toMatch(/configmaps "app-config": the object has been modified/);
  });

  it("show who else writes them, and who looks after them", async () => {
    const annotations = { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/checkout" };
    kubernetes.describe("deployments", "shop", "checkout", { annotations });
    expect((await apps.readNamespacedDeployment(where)).metadata?.annotations).toEqual(annotations);
    kubernetes.editConfig("shop", "app-config", { DB_HOST: "elsewhere" }, "argocd-controller");
    const { metadata } = await core.readNamespacedConfigMap(config);
    expect(metadata?.managedFields?.map((entry) => entry.manager)).toEqual(["helm", "argocd-controller"]);
  });
});

describe("the scale of a deployment", () => {
  it("refuses a negative number, a missing deployment and a stale version", async () => {
    const scale = (name: string, body: object) =>
      refusal(apps.patchNamespacedDeploymentScale({ ...where, name, body }, mergePatch));
    expect(await scale("checkout", { spec: { replicas: -1 } })).toMatchObject({ code: 422, reason: "Invalid" });
    expect(await scale("nothing", { spec: { replicas: 1 } })).toMatchObject({ code: 404, reason: "NotFound" });
    expect(await scale("checkout", { metadata: { resourceVersion: "1" }, spec: { replicas: 1 } })).toMatchObject({
      code: 409,
      reason: "Conflict",
    });
    expect(kubernetes.replicas("shop", "checkout")).toBe(0);
  });
});

describe("the API server", () => {
  it("tells its version and what Muster may do", async () => {
    expect(await client.makeApiClient(VersionApi).getCode()).toMatchObject({ major: "1" });
    const may = async (resource: string, subresource: string | undefined) => {
      const resourceAttributes = {
        namespace: "shop",
        group: "apps",
        resource,
        verb: "patch",
        ...(subresource ? { subresource } : {}),
      };
      const body = { spec: { resourceAttributes } };
      const { status } = await client.makeApiClient(AuthorizationV1Api).createSelfSubjectAccessReview({ body });
      return status?.allowed;
    };
    expect(await may("deployments", "scale")).toBe(true);
    expect(await may("deployments", undefined)).toBe(false);
  });

  it("refuses by role, by token, by name and by content type", async () => {
    const body = { spec: { replicas: 1 } };
    const byRole = await refusal(apps.patchNamespacedDeployment({ ...where, body }, mergePatch));
    expect(byRole).toMatchObject({ code: 403, reason: "Forbidden" });
    expect(byRole["message"]).toMatch(
      /cannot patch resource "deployments" in API group "apps" in the namespace "shop"/,
    );
    expect(await refusal(core.listNamespacedSecret({ namespace: "shop" }))).toMatchObject({ code: 403 });
    expect(await refusal(core.readNamespacedConfigMap({ ...config, name: "none" }))).toMatchObject({ code: 404 });
    const noType = await refusal(core.patchNamespacedConfigMap({ ...config, body: { data: { DB_HOST: west } } }));
    expect(noType).toMatchObject({ code: 400 });
    expect(noType["message"]).toMatch(/cannot unmarshal object into Go value of type \[\]handlers.jsonPatchOp/);

    const stranger = new KubeConfig();
    stranger.loadFromString(kubeconfig([{ ...kubernetes, token: "wrong" }]));
    expect(await refusal(stranger.makeApiClient(CoreV1Api).readNamespacedConfigMap(config))).toEqual({
      code: 401,
      body: undefined,
    });
  });

  it("answers 429 and 500, a login page and half an answer when it is told to", async () => {
    kubernetes.knobs.next("GET configmaps", "throttle");
    const busy = await core.readNamespacedConfigMap(config).catch((error: ApiException<string>) => error);
    expect(busy).toMatchObject({ code: 429, headers: { "retry-after": "1" } });
    kubernetes.knobs.next("PATCH configmaps", "fail-after");
    const body = { data: { THEME: "red" } };
    expect(await refusal(core.patchNamespacedConfigMap({ ...config, body }, mergePatch))).toMatchObject({ code: 500 });
    expect(kubernetes.config("shop", "app-config")["THEME"]).toBe("red");

    kubernetes.knobs.next("GET configmaps", "hang");
    const hung = core.readNamespacedConfigMap(config).catch(() => "broken");
    const last = () => log.of("kubernetes-us-west-2", "GET configmaps").at(-1)?.status;
    while (last() !== "hangs") await clock.sleep(1);
    await expect(Promise.race([hung, clock.sleep(20).then(() => "silent")])).resolves.toBe("silent");
    expect(log.open).toBe(0);

    kubernetes.misbehave("html", 1);
    const { items } = await core.listNamespacedPod({ namespace: "shop" });
    expect(items).toBeUndefined();
    kubernetes.misbehave("cut", 1);
    await expect(core.readNamespacedConfigMap(config)).rejects.toThrow(/terminated|Unterminated|JSON/);
    expect((await core.readNamespacedConfigMap(config)).data?.["THEME"]).toBe("red");
  });

  it("shows what was true a while ago while its reads lag", async () => {
    // Half a second on the wall is soon over on a busy machine.
    clock.set({ shows: clock.now(), rate: 0.1 });
    kubernetes.knobs.readLagSeconds = 30;
    await core.patchNamespacedConfigMap({ ...config, body: { data: { DB_HOST: west } } }, mergePatch);
    expect((await core.readNamespacedConfigMap(config)).data?.["DB_HOST"]).toBe(east);
    clock.set({ shows: clock.now(), rate: 60 });
    await clock.sleep(31);
    expect((await core.readNamespacedConfigMap(config)).data?.["DB_HOST"]).toBe(west);
  });
});
