import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { findAutoscaler, setLeastPods } from "../../src/adapters/kubernetes-autoscalers.ts";
import { isRefusedByCluster } from "../../src/adapters/kubernetes.ts";
import type { DoctorContext } from "../../src/doctor/check.ts";
import { lookAtAutoscaler } from "../../src/doctor/autoscalers.ts";
import type { CannotContinue } from "../../src/errors.ts";
import { east, west } from "../../src/lab/estate.ts";
import { checkout } from "../../src/lab/services.ts";
import { drainOldSide } from "../../src/steps/drain-old-side.ts";
import { scaleDeployment } from "../../src/steps/scale-deployment.ts";
import { drive, failure, openBench, takeBack, type Bench } from "./bench.ts";
import { eastern, inputs, western } from "./inputs.ts";

describe("deployments that an autoscaler owns", () => {
  let bench: Bench;
  const cluster = (region: string) => bench.clusters[region]!;
  const owned = { autoscaler: "checkout" };
  const scaling = { ...inputs.scaleDeployment, deployments: [{ ...western, ...owned }] };
  const draining = { ...inputs.drainOldSide, deployments: [{ ...eastern, ...owned }] };
  const ref = { namespace: "shop", name: "checkout" };
  const changes = () =>
    bench.log.all.flatMap(({ effects }) => effects.map(({ target, wanted }) => `${target} ${wanted}`));

  beforeAll(async () => {
    bench = await openBench({ services: [{ ...checkout, autoscaler: { min: 1, max: 5 } }] });
  });
  afterAll(() => bench.close());

  it("are found by what an autoscaler scales, with its bounds", async () => {
    const found = await findAutoscaler(bench.ctx, bench.ctx.clients.cluster("west"), ref);
    expect(found).toMatchObject({ name: "checkout", min: 1, max: 5 });
    const other = { ...ref, name: "nobody" };
    expect(await findAutoscaler(bench.ctx, bench.ctx.clients.cluster("west"), other)).toBeUndefined();
  });

  it("are looked at with the right by which they were found: enough pods are kept, and nothing more is needed", async () => {
    const enough = { ...scaling, deployments: [{ ...western, ...owned, replicas: 1 }] };
    const asked = bench.log.of(`kubernetes-${west}`, "GET horizontalpodautoscalers").length;
    expect((await drive(bench, scaleDeployment, enough)).before).toBeUndefined();
    expect(bench.log.of(`kubernetes-${west}`, "GET horizontalpodautoscalers")).toHaveLength(asked);
    expect(bench.log.of(`kubernetes-${west}`, "LIST horizontalpodautoscalers").length).toBeGreaterThan(0);
  });

  it("are scaled by its least pods, which are set back; the number of pods is its business", async () => {
    const { before } = await drive(bench, scaleDeployment, scaling);
    expect(cluster(west).bounds("shop", "checkout")).toEqual({ min: 3, max: 5 });
    expect(cluster(west).replicas("shop", "checkout")).toBe(3);
    expect(changes()).toEqual([`kubernetes:${west}/shop/checkout minReplicas=3`]);
    await takeBack(bench, scaleDeployment, scaling, before!);
    expect(cluster(west).bounds("shop", "checkout")).toEqual({ min: 1, max: 5 });
    expect(cluster(west).replicas("shop", "checkout")).toBe(1);
  });

  it("are woken by hand where they want no pods, because it is off then", async () => {
    cluster(west).scale("shop", "checkout", 0, "kubectl");
    const { before } = await drive(bench, scaleDeployment, scaling);
    expect(changes().slice(-2)).toEqual([
      `kubernetes:${west}/shop/checkout minReplicas=3`,
      `kubernetes:${west}/shop/checkout replicas=3`,
    ]);
    await takeBack(bench, scaleDeployment, scaling, before!);
    await bench.ctx.clock.sleep(60);
    expect(cluster(west).replicas("shop", "checkout")).toBe(0);
  });

  it("stay stopped once they are, and come back under its hand", async () => {
    const { before } = await drive(bench, drainOldSide, draining);
    await bench.ctx.clock.sleep(60);
    while (cluster(east).pods("shop", "checkout").length > 0) await bench.ctx.clock.sleep(5);
    expect(cluster(east).replicas("shop", "checkout")).toBe(0);
    expect(cluster(east).pods("shop", "checkout")).toEqual([]);
    await takeBack(bench, drainOldSide, draining, before as Exclude<typeof before, { unknown: string }> & object);
    expect(cluster(east).replicas("shop", "checkout")).toBe(3);
  });

  it("are told to be Git's where Git says how many pods it keeps", async () => {
    cluster(west).bound("shop", "checkout", { min: 2, max: 5 }, "kustomize-controller");
    const found = await findAutoscaler(bench.ctx, bench.ctx.clients.cluster("west"), ref);
    expect(found?.owner).toEqual({ manager: "kustomize-controller", gitops: true, tool: "flux" });
  });

  it("are told to be KEDA's where a ScaledObject owns it; doctor says what that means for a move", async () => {
    const keda = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "shop", uid: "5c1f" };
    const describeIt = (change: object) =>
      cluster(west).describe("horizontalpodautoscalers", "shop", "checkout", change);
    describeIt({ ownerReferences: [{ ...keda, apiVersion: "example.com/v1" }] });
    const find = () => findAutoscaler(bench.ctx, bench.ctx.clients.cluster("west"), ref);
    expect(await find()).not.toHaveProperty("scaledObject");
    describeIt({ ownerReferences: [{ ...keda, controller: true }] });
    expect(await find()).toMatchObject({ scaledObject: "shop" });
    const doctor = bench.ctx as unknown as DoctorContext;
    const deployment = { ...western, region: west, restart: "at-once" as const };
    expect(await lookAtAutoscaler(doctor, deployment)).toMatchObject([
      { state: "broken", todo: "Set minReplicaCount of its ScaledObject shop to 3." },
    ]);
    cluster(west).bound("shop", "checkout", { min: 3, max: 5 }, "keda");
    cluster(west).scale("shop", "checkout", 0, "keda");
    expect(await lookAtAutoscaler(doctor, deployment)).toMatchObject([
      {
        state: "broken",
        happened: expect.stringContaining("KEDA's, which has the pods of shop/checkout at 0 and would stop again"),
        todo: "Set minReplicaCount of its ScaledObject shop to 3, and take its idleReplicaCount away.",
      },
    ]);
    cluster(west).scale("shop", "checkout", 3, "kubectl");
    expect(await lookAtAutoscaler(doctor, deployment)).toMatchObject([
      { state: "ok", seen: "checkout keeps 3 to 5 pods; a graceful move out wants its ScaledObject shop paused" },
    ]);
    describeIt({ ownerReferences: [] });
  });

  it("are left alone where it may not have so many pods, and a person is told what to set", async () => {
    cluster(west).bound("shop", "checkout", { min: 1, max: 2 }, "kubectl");
    const seen = await scaleDeployment.observe(bench.ctx, scaling, {});
    if ("unknown" in seen) throw new Error(seen.unknown);
    expect(scaleDeployment.missing(seen, scaling, {})).toBe(
      "the autoscaler checkout of shop/checkout in the cluster west keeps at least 1 pod, not 3",
    );
    const error = await failure(scaleDeployment.apply!(bench.ctx, scaling, { before: seen, seen, reads: {} }));
    expect((error as CannotContinue).explanation).toEqual({
      happened:
        "The autoscaler checkout of shop/checkout in the cluster west lets it have at most 2 pods, and 3 are wanted.",
      means: "No autoscaler was changed.",
      todo: "Set its maxReplicas to 3 or more, then press Continue.",
    });
    const { resourceVersion = "" } = seen.deployments[0]?.bounds ?? {};
    const least = setLeastPods(bench.ctx, bench.ctx.clients.cluster("west"), ref, { min: 3, resourceVersion });
    expect(isRefusedByCluster(await failure(least))).toBe(true);
  });
});
