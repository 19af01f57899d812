import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { AppsV1Api, CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from "@kubernetes/client-node";
import { Clock } from "../../src/clock.ts";
import { claimAddresses } from "../../src/lab/address.ts";
import type { Addresses } from "../../src/lab/address.ts";
import { openAuthority } from "../../src/lab/certificates.ts";
import type { Authority } from "../../src/lab/certificates.ts";
import { openDns } from "../../src/lab/dns.ts";
import type { Dns } from "../../src/lab/dns.ts";
import { kubeconfig, openKubernetes } from "../../src/lab/kubernetes.ts";
import type { Kubernetes } from "../../src/lab/kubernetes.ts";
import { ask, openPair, promote } from "../../src/lab/postgres-pair.ts";
import type { Pair } from "../../src/lab/postgres-pair.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { app } from "../../src/lab/shop.ts";

const where = { namespace: "shop", name: "checkout" };
const config = { namespace: "shop", name: "app-config" };
const mergePatch = setHeaderOptions("Content-Type", PatchStrategy.MergePatch);
const strategicPatch = setHeaderOptions("Content-Type", PatchStrategy.StrategicMergePatch);
const east = "checkout-db.us-east-1.rds.lab";
const west = "checkout-db-west.us-west-2.rds.lab";

let addresses: Addresses;
let authority: Authority;
let pair: Pair;
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
  pair = await openPair({ addresses, regions: ["us-east-1", "us-west-2"] });
});
afterAll(async () => {
  await pair.close();
  await addresses.release();
});

beforeEach(async () => {
  clock = new Clock({ shows: new Date("2026-11-23T03:00:00Z"), rate: 60 });
  log = new RequestLog(clock);
  dns = await openDns({ host: addresses.host(2), clock, random: Math.random });
  dns.setName(east, pair.primary.front.listen.host);
  dns.setName(west, pair.replica.front.listen.host);
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
        deployments: [{ name: "checkout", replicas: 2, config: { name: "app-config", key: "DB_HOST" } }],
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

const until = async (holds: () => boolean | Promise<boolean>) => {
  for (let waited = 0; waited < 1200; waited += 1) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("it did not come about in time");
};
const readyCount = () => kubernetes.pods("shop", "checkout").filter((pod) => pod.ready && !pod.deletedAt).length;

describe("scaling", () => {
  it("starts real pods, tells how far it is, and ends them with their database sessions", async () => {
    const sessions = () =>
      ask<{ count: string }>(pair.primary.server, "select count(*) from pg_stat_activity where usename = 'app'").then(
        (rows) => Number(rows[0]?.count),
      );
    // A second of a probe's patience is 17 ms on the wall here: on a busy machine a later one finds it ready.
    await until(() => readyCount() === 2);
    expect(await sessions()).toBeGreaterThanOrEqual(2);

    // Slowly for a moment: the controller sees a change within a second.
    clock.set({ shows: clock.now(), rate: 0.01 });
    const scaled = await apps.patchNamespacedDeploymentScale({ ...where, body: { spec: { replicas: 5 } } }, mergePatch);
    expect(scaled.spec?.replicas).toBe(5);
    expect(scaled.status?.replicas).toBe(2);
    const early = await apps.readNamespacedDeployment(where);
    expect(early.metadata?.generation).toBe(2);
    expect(early.status).toMatchObject({ observedGeneration: 1, readyReplicas: 2 });
    clock.set({ shows: clock.now(), rate: 60 });
    await until(() => readyCount() === 5);
    const done = await apps.readNamespacedDeployment(where);
    expect(done.status).toMatchObject({ observedGeneration: 2, replicas: 5, updatedReplicas: 5, availableReplicas: 5 });
    expect(done.status?.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      "Available=True",
      "Progressing=True",
    ]);
    const [request] = log.of("kubernetes-us-west-2", "PATCH deployments/scale");
    expect(request).toMatchObject({
      resource: "shop/checkout",
      effects: [{ target: "kubernetes:us-west-2/shop/checkout", wanted: "replicas=5" }],
      delaySeconds: 13.1,
    });

    await apps.patchNamespacedDeploymentScale({ ...where, body: { spec: { replicas: 0 } } }, mergePatch);
    await until(() => kubernetes.pods("shop", "checkout").length === 0);
    await until(async () => (await sessions()) === 0);
  });
});

describe("a new template", () => {
  const restart = (restartedAt: string, more: object = {}) => {
    const template = { metadata: { annotations: { "kubectl.kubernetes.io/restartedAt": restartedAt } } };
    return apps.patchNamespacedDeployment({ ...where, body: { spec: { template, ...more } } }, strategicPatch);
  };
  const progressing = async () => {
    const { metadata, status } = await apps.readNamespacedDeployment(where);
    const { reason } = status?.conditions?.find(({ type }) => type === "Progressing") ?? {};
    const { observedGeneration = 0, updatedReplicas = 0, replicas = 0 } = status ?? {};
    return { seen: observedGeneration >= (metadata?.generation ?? 0), updatedReplicas, replicas, reason };
  };

  it("replaces every pod, a few at a time, and is seen by the controller a moment later", async () => {
    kubernetes.rules.push({ group: "apps", resource: "deployments", verbs: ["patch"] });
    await until(() => readyCount() === 2);
    const old = kubernetes.pods("shop", "checkout").map(({ uid }) => uid);
    clock.set({ shows: clock.now(), rate: 0.01 });
    const patched = await restart("2026-11-23T03:00:00Z");
    expect(patched.metadata?.generation).toBe(2);
    expect(patched.status?.observedGeneration).toBe(1);
    // The counts are old news as long as the controller has not seen the change: all "updated", of the old template.
    expect(await progressing()).toEqual({
      seen: false,
      updatedReplicas: 2,
      replicas: 2,
      reason: "NewReplicaSetAvailable",
    });
    clock.set({ shows: clock.now(), rate: 60 });
    let fewest = 2;
    await until(async () => {
      fewest = Math.min(fewest, readyCount());
      const { seen, reason } = await progressing();
      return seen && reason === "NewReplicaSetAvailable";
    });
    expect(fewest).toBe(2);
    const pods = kubernetes.pods("shop", "checkout").filter((pod) => !pod.deletedAt);
    expect(pods).toHaveLength(2);
    expect(pods.filter(({ uid }) => old.includes(uid))).toEqual([]);
    expect(await progressing()).toMatchObject({ updatedReplicas: 2, replicas: 2 });
    const again = await restart("2026-11-23T03:00:00Z");
    expect(again.metadata?.generation).toBe(2);
  });

  it("whose pods never become ready stops half way, keeps the old ones, and exceeds its deadline", async () => {
    kubernetes.rules.push({ group: "apps", resource: "deployments", verbs: ["patch"] });
    await until(() => readyCount() === 2);
    kubernetes.editConfig("shop", "app-config", { DB_HOST: west }, "console");
    await restart("2026-11-23T03:05:00Z", { progressDeadlineSeconds: 600 });
    await until(async () => (await progressing()).reason === "ReplicaSetUpdated");
    await clock.sleep(30);
    expect(readyCount()).toBe(2);
    expect(await progressing()).toMatchObject({ updatedReplicas: 1, replicas: 3, reason: "ReplicaSetUpdated" });
    clock.set({ shows: new Date(clock.now().getTime() + 600_000), rate: 60 });
    expect(await progressing()).toMatchObject({ reason: "ProgressDeadlineExceeded" });
  });
});

describe("pods", () => {
  it("keep the config they started with, and are not ready on a database that cannot be written", async () => {
    const list = () => core.listNamespacedPod({ namespace: "shop", labelSelector: "app=checkout" });
    await until(() => readyCount() === 2);
    const before = await list();
    expect(before.items.map((pod) => pod.status?.phase)).toEqual(["Running", "Running"]);
    expect(before.items.every((pod) => pod.metadata?.uid && pod.metadata.creationTimestamp instanceof Date)).toBe(true);
    expect((await core.listNamespacedPod({ namespace: "shop", labelSelector: "app=other" })).items).toEqual([]);

    await core.patchNamespacedConfigMap({ ...config, body: { data: { DB_HOST: west } } }, mergePatch);
    await apps.patchNamespacedDeploymentScale({ ...where, body: { spec: { replicas: 3 } } }, mergePatch);
    await until(() => kubernetes.pods("shop", "checkout").some((pod) => pod.databaseHost === west));
    await clock.sleep(15);
    const pods = kubernetes.pods("shop", "checkout");
    expect(pods.map(({ databaseHost, ready }) => [databaseHost, ready])).toEqual([
      [east, true],
      [east, true],
      [west, false],
    ]);
    const conditions = (await list()).items.map(
      (pod) => pod.status?.conditions?.find(({ type }) => type === "Ready")?.status,
    );
    expect(conditions).toEqual(["True", "True", "False"]);
  });

  it("stand still while their region is dead, and go on afterwards", async () => {
    kubernetes.setDead(true);
    const silent = core.readNamespacedConfigMap(config).catch(() => "broken");
    await expect(Promise.race([silent, clock.sleep(20).then(() => "silent")])).resolves.toBe("silent");
    expect(log.open).toBe(0);
    kubernetes.scale("shop", "checkout", 3, "console");
    await clock.sleep(60);
    expect(kubernetes.pods("shop", "checkout")).toHaveLength(2);
    kubernetes.setDead(false);
    await until(() => readyCount() === 3);
  });

  it("are not ready any more once their role may not log in", async () => {
    await ask(pair.primary.server, "alter role app nologin");
    await ask(pair.primary.server, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'");
    await until(() => readyCount() === 0);
    await ask(pair.primary.server, "alter role app login");
    await until(() => readyCount() === 2);
  });

  it("become ready by themselves once their replica is promoted", async () => {
    kubernetes.editConfig("shop", "app-config", { DB_HOST: west }, "console");
    kubernetes.scale("shop", "checkout", 0, "console");
    await until(() => kubernetes.pods("shop", "checkout").length === 0);
    kubernetes.scale("shop", "checkout", 2, "console");
    await until(() => kubernetes.pods("shop", "checkout").filter((pod) => pod.startedAt).length === 2);
    expect(readyCount()).toBe(0);
    await promote(pair.replica.server);
    await until(() => readyCount() === 2);
  });
});
