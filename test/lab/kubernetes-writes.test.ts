import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { as, base64, openCluster, refusal } from "./one-cluster.ts";

const where = { namespace: "shop", name: "checkout" };
const config = { namespace: "shop", name: "app-config" };
const secret = { namespace: "shop", name: "app-secret" };

let cluster: Awaited<ReturnType<typeof openCluster>>;
beforeAll(async () => {
  cluster = await openCluster();
  cluster.kubernetes.rules.push(
    { group: "", resource: "configmaps", verbs: ["update"] },
    { group: "", resource: "secrets", verbs: ["get", "patch", "update"] },
    { group: "apps", resource: "deployments", verbs: ["patch", "update"] },
  );
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const applied = (data: object, more: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "app-config" },
  data,
  ...more,
});

describe("server-side apply", () => {
  const apply = (
    body: object,
    { fieldManager = "muster", ...options }: { fieldManager?: string; force?: boolean } = {},
  ) => cluster.core.patchNamespacedConfigMap({ ...config, body, fieldManager, ...options }, as.apply);

  it("takes fields of another manager only by force, gives up what it leaves out, and says so in the object", async () => {
    const conflict = await refusal(apply(applied({ DB_HOST: "west" })));
    expect(conflict).toMatchObject({
      code: 409,
      reason: "Conflict",
      message: 'Apply failed with 1 conflict: conflict with "helm" using v1: .data.DB_HOST',
      details: {
        causes: [{ reason: "FieldManagerConflict", message: 'conflict with "helm" using v1', field: ".data.DB_HOST" }],
      },
    });
    const two = await refusal(apply(applied({ DB_HOST: "west", THEME: "red" })));
    expect(two["message"]).toBe(
      'Apply failed with 2 conflicts: conflicts with "helm" using v1:\n- .data.DB_HOST\n- .data.THEME',
    );
    expect(cluster.kubernetes.config("shop", "app-config")).toEqual({ DB_HOST: "east", THEME: "blue" });

    const forced = await apply(applied({ DB_HOST: "west", EXTRA: "1" }), { force: true });
    expect(forced.data).toEqual({ DB_HOST: "west", THEME: "blue", EXTRA: "1" });
    const owners = forced.metadata?.managedFields?.map(({ manager, operation, fieldsV1 }) => [
      manager,
      operation,
      fieldsV1,
    ]);
    expect(owners).toEqual([
      ["helm", "Update", { "f:data": { "f:THEME": {} } }],
      ["muster", "Apply", { "f:data": { "f:DB_HOST": {}, "f:EXTRA": {} } }],
    ]);
    const again = await apply(applied({ DB_HOST: "west", EXTRA: "1" }));
    expect(again.metadata?.resourceVersion).toBe(forced.metadata?.resourceVersion);
    expect((await apply(applied({ DB_HOST: "west", THEME: "blue" }))).data).toEqual({ DB_HOST: "west", THEME: "blue" });
  });

  it("refuses a manifest with no manager, with managers, without its kind, or with a field that is unknown", async () => {
    const body = applied({ DB_HOST: "north" });
    const unnamed = await refusal(cluster.core.patchNamespacedConfigMap({ ...config, body }, as.apply));
    expect(unnamed).toMatchObject({ code: 422, reason: "Invalid" });
    expect(unnamed["message"]).toMatch(/fieldManager: Required value: is required for apply patch$/);
    const exported = { ...body, metadata: { name: "app-config", managedFields: [] } };
    expect(await refusal(apply(exported))).toMatchObject({ code: 400, message: "metadata.managedFields must be nil" });
    expect(await refusal(apply({ data: {} }))).toMatchObject({ code: 400 });
    const unknown = await refusal(apply(applied({}, { dataa: {} })));
    expect(unknown).toMatchObject({ code: 500, status: "Failure" });
    expect(unknown["message"]).toBe(
      "failed to create typed patch object (shop/app-config; /v1, Kind=ConfigMap): .dataa: field not declared in schema",
    );
    expect(cluster.kubernetes.config("shop", "app-config")["DB_HOST"]).not.toBe("north");
  });

  it("leaves the generation of a deployment alone when it is applied twice", async () => {
    const manifest = (replicas: number) => ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: {},
      spec: { replicas },
    });
    const patch = (replicas: number, force: boolean) =>
      cluster.apps.patchNamespacedDeployment(
        { ...where, fieldManager: "me", force, body: manifest(replicas) },
        as.apply,
      );
    expect(await refusal(patch(1, false))).toMatchObject({
      code: 409,
      details: { causes: [{ field: ".spec.replicas" }] },
    });
    const first = await patch(1, true);
    const second = await patch(1, true);
    expect(second.metadata?.generation).toBe(first.metadata?.generation);
    await patch(0, true);
  });
});

describe("a JSON patch", () => {
  const patch = (body: object) => cluster.core.patchNamespacedConfigMap({ ...config, body }, as.json);

  it("is a list of operations that are carried out all or not at all", async () => {
    await patch([{ op: "add", path: "/data/a~1b", value: "1" }]).catch(() => undefined);
    const { data } = await patch([
      { op: "test", path: "/data/THEME", value: "blue" },
      { op: "add", path: "/data/EXTRA", value: "1" },
      { op: "move", from: "/data/EXTRA", path: "/data/MOVED" },
      { op: "replace", path: "/data/THEME", value: "red" },
    ]);
    expect(data).toMatchObject({ MOVED: "1", THEME: "red" });
    const failed = [
      { op: "remove", path: "/data/MOVED" },
      { op: "test", path: "/data/THEME", value: "blue" },
    ];
    expect(await refusal(patch(failed))).toMatchObject({ code: 422, reason: "Invalid" });
    expect(cluster.kubernetes.config("shop", "app-config")).toMatchObject({ MOVED: "1", THEME: "red" });
    expect(await refusal(patch([{ op: "replace", path: "/data/NONE", value: "" }]))).toMatchObject({ code: 422 });
    expect(cluster.kubernetes.config("shop", "app-config")).not.toHaveProperty("a/b");
  });
});

describe("a refused patch of a Secret", () => {
  it("prints the other keys too when it is a merge patch or a JSON patch, and not when it is another", async () => {
    const patch = (body: object, how: typeof as.merge, more: object = {}) =>
      refusal(cluster.core.patchNamespacedSecret({ ...secret, body, ...more }, how));
    const others = base64("t0ken");
    const merged = await patch({ data: { password: 5 } }, as.merge);
    expect(merged).toMatchObject({ code: 422, reason: "Invalid", details: { causes: [{ field: "patch" }] } });
    expect(merged["message"]).toMatch(/cannot unmarshal number/);
    expect(merged["message"]).toContain(others);
    expect((await patch({ data: { password: "%%" } }, as.merge))["message"]).toContain(others);
    expect((await patch({ dataa: {} }, as.merge, { fieldValidation: "Strict" }))["message"]).toContain(others);
    expect((await patch([{ op: "add", path: "/data/x", value: 5 }], as.json))["message"]).toContain(others);

    const strategic = await patch({ data: { password: 5 } }, as.strategic);
    expect(strategic).toMatchObject({ code: 422 });
    expect(strategic["message"]).not.toContain(others);
    const manifest = { apiVersion: "v1", kind: "Secret", metadata: {}, data: { password: 5 } };
    expect((await patch(manifest, as.apply, { fieldManager: "muster" }))["message"]).not.toContain(others);

    const written = await cluster.core.patchNamespacedSecret(
      { ...secret, body: { stringData: { password: "new" } } },
      as.merge,
    );
    expect(written.data).toEqual({ password: base64("new"), token: others });
    expect(written).not.toHaveProperty("stringData");
    const [effect] = cluster.log.of("kubernetes-us-west-2", "PATCH secrets").flatMap(({ effects }) => effects);
    expect(effect?.wanted).toBe("password=");
  });
});

describe("a PUT", () => {
  it("replaces the whole object, unless it was read too long ago or is called otherwise", async () => {
    const seen = await cluster.core.readNamespacedConfigMap({ namespace: "shop", name: "two" });
    const replace = (body: object, name = "two") =>
      cluster.core.replaceNamespacedConfigMap({ namespace: "shop", name, body });
    const { metadata } = seen;
    const after = await replace({ metadata, data: { only: "this" } });
    expect(after.data).toEqual({ only: "this" });
    expect(after.metadata?.resourceVersion).not.toBe(seen.metadata?.resourceVersion);
    expect(await refusal(replace({ metadata, data: { late: "" } }))).toMatchObject({ code: 409, reason: "Conflict" });
    expect((await replace({ metadata: { name: "two" }, data: { unconditional: "1" } })).data).toEqual({
      unconditional: "1",
    });
    expect(await refusal(replace({ metadata: { name: "three" } }))).toMatchObject({ code: 400, reason: "BadRequest" });
    expect(await refusal(replace({ metadata: { name: "none" } }, "none"))).toMatchObject({ code: 404 });
    expect(await refusal(replace({ metadata: {}, data: { key: 5 } as never }))).toMatchObject({ code: 400 });
  });
});

describe("what cannot be", () => {
  it("is refused with the field that is wrong", async () => {
    const map = (body: object, more: object = {}) =>
      refusal(cluster.core.patchNamespacedConfigMap({ ...config, body, ...more }, as.merge));
    expect(await map({ data: { "a b": "1" } })).toMatchObject({
      code: 422,
      details: { causes: [{ field: "data[a b]" }] },
    });
    expect(await map({ data: { X: "1" }, binaryData: { X: "MQ==" } })).toMatchObject({ code: 422 });
    expect(await map({ dataa: {} }, { fieldValidation: "Strict" })).toMatchObject({ code: 422 });
    const deployment = (spec: object) =>
      refusal(cluster.apps.patchNamespacedDeployment({ ...where, body: { spec } }, as.strategic));
    expect(await deployment({ replicas: -1 })).toMatchObject({
      code: 422,
      details: { group: "apps", kind: "Deployment" },
    });
    const selector = await deployment({ selector: { matchLabels: { app: "other" } } });
    expect(selector["message"]).toMatch(/spec.selector: .*field is immutable/);
    const labels = await deployment({ template: { metadata: { labels: { app: "other" } } } });
    expect(labels["message"]).toMatch(/`selector` does not match template `labels`/);
  });

  it("is dropped with a warning when it is a field nobody knows", async () => {
    const { data, metadata } = await cluster.core.patchNamespacedConfigMap(
      { ...config, body: { dataa: { X: "1" } } },
      as.merge,
    );
    expect(data).not.toHaveProperty("X");
    const before = await cluster.core.readNamespacedConfigMap(config);
    expect(metadata?.resourceVersion).toBe(before.metadata?.resourceVersion);
  });
});
