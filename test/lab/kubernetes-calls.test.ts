import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { CoreV1Api } from "@kubernetes/client-node";
import { Agent, request } from "undici";
import { openCluster, refusal } from "./one-cluster.ts";

let cluster: Awaited<ReturnType<typeof openCluster>>;
beforeAll(async () => {
  cluster = await openCluster();
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

/** What a caller gets that is not the client: the client drops some bodies. */
const ask = async (path: string, { token, method = "GET" }: { token?: string; method?: "GET" | "DELETE" } = {}) => {
  const dispatcher = new Agent({ connect: { ca: cluster.kubernetes.ca, servername: "kubernetes" } });
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const answer = await request(`${cluster.kubernetes.url}${path}`, { method, headers, dispatcher });
  const body = (await answer.body.json()) as Record<string, unknown>;
  await dispatcher.close();
  return { status: answer.statusCode, body };
};

describe("a list over all namespaces", () => {
  it("needs a rule for the whole cluster", async () => {
    const refused = await refusal(cluster.core.listConfigMapForAllNamespaces());
    expect(refused).toMatchObject({ code: 403, reason: "Forbidden" });
    expect(refused["message"]).toBe(
      'configmaps is forbidden: User "system:serviceaccount:muster:muster" cannot list resource "configmaps" ' +
        'in API group "" at the cluster scope',
    );
  });

  it("comes in pages of one moment, whatever is written meanwhile", async () => {
    cluster.kubernetes.rules.push({ group: "", resource: "configmaps", verbs: ["list"], clusterWide: true });
    const names: (string | undefined)[] = [];
    const left: (number | undefined)[] = [];
    let token: string | undefined;
    do {
      const page = await cluster.core.listConfigMapForAllNamespaces({
        limit: 4,
        ...(token ? { _continue: token } : {}),
      });
      names.push(...page.items.map(({ metadata }) => metadata?.name));
      left.push(page.metadata?.remainingItemCount);
      expect(page.items.some((item) => item.kind ?? item.apiVersion)).toBe(false);
      if (!token) cluster.kubernetes.editConfig("shop", "two", { name: "changed" }, "somebody");
      else expect(page.items.find(({ metadata }) => metadata?.name === "two")?.data).toEqual({ name: "two" });
      token = page.metadata?._continue;
    } while (token);
    expect(names).toEqual(["app-config", "five", "four", "three", "two", "one"]);
    expect(left).toEqual([2, undefined]);

    const { metadata } = await cluster.core.listConfigMapForAllNamespaces({ limit: 4 });
    const first = metadata?._continue ?? "";
    for (let count = 0; count < 120; count += 1) {
      cluster.kubernetes.editConfig("shop", "two", { name: String(count) }, "somebody");
    }
    const old = await refusal(cluster.core.listConfigMapForAllNamespaces({ limit: 4, _continue: first }));
    expect(old).toMatchObject({ code: 410, reason: "Expired" });
    expect(await refusal(cluster.core.listConfigMapForAllNamespaces({ _continue: "nonsense" }))).toMatchObject({
      code: 400,
    });
  });
});

describe("a token", () => {
  const account = { namespace: "muster", name: "muster" };
  const tokenFor = (expirationSeconds: number, of = account) =>
    cluster.core.createNamespacedServiceAccountToken({ ...of, body: { spec: { audiences: [], expirationSeconds } } });

  it("is given for ten minutes at least, to whoever may ask, and works until it expires", async () => {
    expect(await refusal(tokenFor(600))).toMatchObject({ code: 403 });
    cluster.kubernetes.rules.push({ group: "", resource: "serviceaccounts/token", verbs: ["create"] });
    const short = await refusal(tokenFor(599));
    expect(short).toMatchObject({ code: 422, reason: "Invalid" });
    expect(short["message"]).toBe(
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: ' +
        "may not specify a duration less than 10 minutes",
    );
    expect(await refusal(tokenFor(600, { namespace: "muster", name: "none" }))).toMatchObject({ code: 404 });

    const { status } = await tokenFor(600);
    const read = () =>
      cluster
        .clientOf(status?.token ?? "")
        .makeApiClient(CoreV1Api)
        .readNamespacedConfigMap({ namespace: "shop", name: "app-config" });
    expect((await read()).data).toMatchObject({ THEME: "blue" });
    const other = await tokenFor(600, { namespace: "shop", name: "default" });
    const stranger = cluster.clientOf(other.status?.token ?? "").makeApiClient(CoreV1Api);
    const refused = await refusal(stranger.listNamespacedPod({ namespace: "shop" }));
    expect(refused["message"]).toMatch(/^pods is forbidden: User "system:serviceaccount:shop:default" cannot list/);
    await cluster.clock.sleep(601);
    expect(await refusal(read())).toEqual({ code: 401, body: undefined });
  });

  it("that is bad is refused before anything is asked; none at all is anonymous", async () => {
    const path = "/api/v1/namespaces/shop/configmaps/app-config";
    expect(await ask(path, { token: "wrong" })).toMatchObject({ status: 401, body: { reason: "Unauthorized" } });
    const anonymous = await ask(path);
    expect(anonymous).toMatchObject({ status: 403, body: { reason: "Forbidden" } });
    expect(anonymous.body["message"]).toMatch(/User "system:anonymous" cannot get resource "configmaps"/);
  });
});

describe("what the lab lacks", () => {
  it("is refused: nobody takes it for done", async () => {
    cluster.kubernetes.rules.push({ group: "", resource: "configmaps", verbs: ["create", "delete"] });
    const { token } = cluster.kubernetes;
    const created = cluster.core.createNamespacedConfigMap({ namespace: "shop", body: { metadata: { name: "new" } } });
    expect(await refusal(created)).toMatchObject({ code: 405, reason: "MethodNotAllowed" });
    const path = "/api/v1/namespaces/shop/configmaps";
    expect(await ask(`${path}/two`, { token, method: "DELETE" })).toMatchObject({ status: 405 });
    expect(await ask(`${path}?watch=true`, { token })).toMatchObject({ status: 405 });
    expect(cluster.kubernetes.config("shop", "two")).toHaveProperty("name");
  });
});
