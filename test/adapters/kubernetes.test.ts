import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { setTimeout } from "node:timers/promises";
import {
  canI,
  getConfigKey,
  getScale,
  isConflict,
  isRefusedByCluster,
  ping,
  setConfigKey,
  setScale,
} from "../../src/adapters/kubernetes.ts";
import { KubernetesError } from "../../src/adapters/kubernetes.ts";
import { listPods } from "../../src/adapters/kubernetes-pods.ts";
import { makeCluster } from "../../src/adapters/kubernetes-client.ts";
import { findAutoscaler } from "../../src/adapters/kubernetes-autoscalers.ts";
import { whyUnreachable } from "../../src/adapters/unreachable.ts";
import { CallTimedOut } from "../../src/call.ts";
import { CannotContinue, UserError } from "../../src/errors.ts";
import { east, west } from "../../src/lab/estate.ts";
import { failure, openBench, type Bench } from "../steps/bench.ts";
import { loginBy } from "./kubernetes-login.ts";

describe("Kubernetes", () => {
  let bench: Bench;
  const ref = { namespace: "shop", name: "checkout" };
  const key = { namespace: "shop", name: "app-config", key: "DB_HOST" };
  const cluster = () => bench.ctx.clients.cluster("west");
  const lab = () => bench.clusters[west]!;

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  it("shows a deployment, its pods and who is there", async () => {
    expect(await getScale(bench.ctx, cluster(), ref)).toMatchObject({ replicas: 1, existing: 1, paused: false });
    expect(await getScale(bench.ctx, cluster(), { ...ref, name: "nobody" })).toBeUndefined();
    const [pod] = await listPods(bench.ctx, cluster(), ref);
    expect(pod).toMatchObject({ uid: lab().pods("shop", "checkout")[0]?.uid, terminating: false });
    expect(await ping(bench.ctx, cluster())).toMatch(/^v1\./);
  });

  it("scales by the resource version it saw, and not by an old one", async () => {
    const seen = (await getScale(bench.ctx, cluster(), ref))!;
    lab().scale("shop", "checkout", 2, "kubectl");
    const error = await failure(
      setScale(bench.ctx, cluster(), ref, { replicas: 5, resourceVersion: seen.resourceVersion }),
    );
    expect([isConflict(error), isRefusedByCluster(error)]).toEqual([true, true]);
    expect(lab().replicas("shop", "checkout")).toBe(2);
  });

  it("writes one key and leaves the others, takes it back, and can only pretend to", async () => {
    lab().editConfig("shop", "app-config", { COLOUR: "green" }, "kubectl");
    const seen = (await getConfigKey(bench.ctx, cluster(), key))!;
    const write = (value: string | undefined, dryRun = false) =>
      setConfigKey(bench.ctx, cluster(), key, { value, resourceVersion: seen.resourceVersion, dryRun });
    await write("west", true);
    expect(lab().config("shop", "app-config")["DB_HOST"]).toBe(seen.value);
    await write("west");
    expect(lab().config("shop", "app-config")).toEqual({ DB_HOST: "west", COLOUR: "green" });
    expect(isConflict(await failure(write("again")))).toBe(true);
    const now = (await getConfigKey(bench.ctx, cluster(), key))!;
    expect(now.owner).toBeUndefined();
    await setConfigKey(bench.ctx, cluster(), key, { value: undefined, resourceVersion: now.resourceVersion });
    expect(lab().config("shop", "app-config")).toEqual({ COLOUR: "green" });
  });

  it("names who else thinks a key is theirs, and whether they would put it back", async () => {
    lab().editConfig("shop", "app-config", { DB_HOST: "east" }, "kubectl-edit");
    // It tells Flux to leave the object alone, and is no mark of an owner.
    const annotations = { "helm.toolkit.fluxcd.io/driftDetection": "disabled" };
    lab().describe("configmaps", "shop", "app-config", { annotations });
    expect((await getConfigKey(bench.ctx, cluster(), key))?.owner).toEqual({ manager: "kubectl-edit", gitops: false });
    // No tool that Muster can pause, and a controller all the same.
    lab().editConfig("shop", "app-config", { DB_HOST: "nowhere" }, "configsync.gke.io");
    expect((await getConfigKey(bench.ctx, cluster(), key))?.owner).toEqual({
      manager: "configsync.gke.io",
      gitops: true,
    });
    lab().editConfig("shop", "app-config", { DB_HOST: "elsewhere" }, "argocd-controller");
    expect((await getConfigKey(bench.ctx, cluster(), key))?.owner).toEqual({
      manager: "argocd-controller",
      gitops: true,
      tool: "argocd",
    });
  });

  it("knows what it may do", async () => {
    const right = { verb: "patch", group: "apps", resource: "deployments", namespace: "shop", name: "checkout" };
    expect(await canI(bench.ctx, cluster(), { ...right, subresource: "scale" })).toBe(true);
    expect(await canI(bench.ctx, cluster(), right)).toBe(false);
  });

  it("asks once for many what is the same for all of them", async () => {
    const asked = (action: string) => bench.log.of(`kubernetes-${west}`, action).length;
    const [reviews, lists] = ["POST selfsubjectaccessreviews", "LIST horizontalpodautoscalers"];
    const before = [asked(reviews), asked(lists)];
    const right = { verb: "list", resource: "pods", namespace: "shop" };
    const many = <T>(ask: () => Promise<T>) => Promise.all(Array.from({ length: 50 }, ask));
    expect(new Set(await many(() => canI(bench.ctx, cluster(), right)))).toEqual(new Set([true]));
    expect(new Set(await many(() => findAutoscaler(bench.ctx, cluster(), ref)))).toEqual(new Set([undefined]));
    // The first asks for itself, and one of those who came meanwhile for all the others.
    expect([asked(reviews), asked(lists)]).toEqual(before.map((count) => count + 2));
    const giveUp = AbortSignal.abort(new Error("gone"));
    await expect(canI(bench.ctx, cluster(), right, { signal: giveUp })).rejects.toThrow("gone");
  });

  it("takes a login page for no answer, and a cut one too", async () => {
    lab().misbehave("html", 1);
    expect(String(await failure(getScale(bench.ctx, cluster(), ref)))).toMatch(/not JSON: a login page/);
    lab().misbehave("cut", 1);
    expect(await failure(getScale(bench.ctx, cluster(), ref))).toBeDefined();
  });

  it("tells missing rights, a throttle, a hang and a dead region apart", async () => {
    const rules = lab().rules.splice(0);
    expect(await failure(getScale(bench.ctx, cluster(), ref))).toBeInstanceOf(CannotContinue);
    lab().rules.push(...rules);
    lab().knobs.next("*", "throttle");
    expect(await failure(getScale(bench.ctx, cluster(), ref))).toMatchObject({ status: 429 });
    lab().knobs.next("*", "fail-before");
    const broke = await failure(getScale(bench.ctx, cluster(), ref));
    expect(broke).toBeInstanceOf(KubernetesError);
    expect(isRefusedByCluster(broke)).toBe(false);
    lab().knobs.next("*", "hang");
    expect(await failure(getScale(bench.ctx, cluster(), ref))).toBeInstanceOf(CallTimedOut);
    await bench.setRegionDead(east, true);
    const dead = await failure(getScale(bench.ctx, bench.ctx.clients.cluster("east"), ref));
    expect(whyUnreachable(dead)).toBe("does not answer");
    await bench.setRegionDead(east, false);
    expect(await getScale(bench.ctx, bench.ctx.clients.cluster("east"), ref)).toMatchObject({ replicas: 3 });
  });

  it("forgets credentials that were refused, so that whoever renewed them need only go on", async () => {
    await using login = await loginBy(lab(), { token: "stale" });
    const own = makeCluster({ ...login.settings, names: bench.ctx.clients.names });
    expect(await failure(ping(bench.ctx, own))).toMatchObject({
      explanation: { todo: expect.stringMatching(/renew its credentials/) },
    });
    await login.renew(lab().token);
    expect(await ping(bench.ctx, own)).toMatch(/^v1\./);
    expect(await login.started()).toBe(2);
    await own.close();
  });

  it("starts the program that logs it in once for all who ask, and anew once somebody gave it up", async () => {
    await using login = await loginBy(lab(), { token: lab().token, takesSeconds: 1 });
    const own = makeCluster({ ...login.settings, names: bench.ctx.clients.names });
    const version = (signal = new AbortController().signal) => own.send({ method: "GET", path: "/version" }, signal);
    const leaving = new AbortController();
    const given = failure(version(leaving.signal));
    while ((await login.started()) === 0) await setTimeout(10);
    leaving.abort(new Error("gone"));
    expect(await given).toBe(leaving.signal.reason);
    await Promise.all([own.prepare(), ...Array.from({ length: 10 }, () => version())]);
    expect(await login.started()).toBe(2);
    await own.close();
  });

  it("says which cluster is not in the estate", () => {
    expect(() => bench.ctx.clients.cluster("north")).toThrow(UserError);
  });
});
