import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { isConflict } from "../../src/adapters/kubernetes.ts";
import { CannotContinue } from "../../src/errors.ts";
import type { Json } from "../../src/engine/step.ts";
import { east, endpointOf, west } from "../../src/lab/estate.ts";
import { drainOldSide } from "../../src/steps/drain-old-side.ts";
import { pointConfig } from "../../src/steps/point-config.ts";
import { restartPods, type RestartPodsSeen } from "../../src/steps/restart-pods.ts";
import { scaleDeployment } from "../../src/steps/scale-deployment.ts";
import { drive, failure, openBench, takeBack, type Bench } from "./bench.ts";
import { inputs } from "./inputs.ts";

describe("trouble with pods and their configuration", () => {
  let bench: Bench;
  const cluster = () => bench.clusters[west]!;

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  it("a key that GitOps would put back is left alone, and its owner named", async () => {
    cluster().editConfig("shop", "app-config", { DB_HOST: "somewhere" }, "argocd-controller");
    const error = await failure(drive(bench, pointConfig, inputs.pointConfig));
    expect(error).toBeInstanceOf(CannotContinue);
    expect((error as CannotContinue).explanation).toEqual({
      happened:
        "DB_HOST of shop/app-config in the cluster west belongs to argocd-controller, which would put somewhere back.",
      means: "The key was not changed.",
      todo: "Set DB_HOST to checkout-db-west.us-west-2.rds.lab in Git, then press Continue. Or have the estate name its keeper under gitops: press Undo, or Abandon once a promotion was asked for, then correct the estate and type the command anew.",
    });
    expect(cluster().config("shop", "app-config")["DB_HOST"]).toBe("somewhere");
    await bench.db.deleteFrom("step_event").execute();
  });

  it("a key that holds more than a host name is left alone, and nobody is told what", async () => {
    const url = "postgres://app:Canary-7731@checkout-db/shop";
    cluster().editConfig("shop", "app-config", { DB_HOST: url }, "kubectl");
    const error = await failure(drive(bench, pointConfig, inputs.pointConfig));
    expect((error as CannotContinue).explanation.happened).toBe(
      "DB_HOST of shop/app-config in the cluster west holds more than a host name, which Muster neither shows nor replaces.",
    );
    expect(JSON.stringify((error as CannotContinue).explanation)).not.toContain("Canary");
    expect(cluster().config("shop", "app-config")["DB_HOST"]).toBe(url);
  });

  it("a key that is right already is not written, and no pod restarts for it", async () => {
    cluster().editConfig("shop", "app-config", { DB_HOST: inputs.pointConfig.host }, "kubectl");
    const { result, before } = await drive(bench, pointConfig, inputs.pointConfig);
    expect(before).toBeUndefined();
    expect(result).toMatchObject({ changed: false, pods: [expect.any(String)] });
    const uids = cluster()
      .pods("shop", "checkout")
      .map(({ uid }) => uid);
    const reads = { "point-config": result as Json };
    const one = {
      ...inputs.restartPods,
      deployments: inputs.restartPods.deployments.map((each) => ({ ...each, replicas: 1 })),
    };
    expect((await drive(bench, restartPods, one, reads)).before).toBeUndefined();
    expect(
      cluster()
        .pods("shop", "checkout")
        .map(({ uid }) => uid),
    ).toEqual(uids);
  });

  it("a deployment that somebody changes at the same time is looked at again", async () => {
    bench.ctx.point = async (name) => {
      if (name !== "before kubernetes.PatchScale") return;
      bench.ctx.point = () => Promise.resolve();
      cluster().scale("shop", "checkout", 2, "kubectl");
    };
    await drive(bench, scaleDeployment, inputs.scaleDeployment);
    expect(cluster().replicas("shop", "checkout")).toBe(3);
    const answers = bench.log.of(`kubernetes-${west}`, "PATCH deployments/scale").map(({ status }) => status);
    // The cluster's own controllers may be faster, too.
    expect([answers[0], answers.at(-1), answers.filter((status) => status === 200).length]).toEqual([409, 200, 1]);
  });

  it("a rollout that is asked for twice is one, and it is over when no pod of before is left", async () => {
    cluster().rules.push({ group: "apps", resource: "deployments", verbs: ["patch"] });
    const stale = cluster().pods("shop", "checkout");
    const reads = { "point-config": { changed: true, pods: stale.map(({ uid }) => uid) } };
    const rolling = {
      ...inputs.restartPods,
      deployments: inputs.restartPods.deployments.map((each) => ({ ...each, restart: "rollout" as const })),
    };
    // Somebody is faster: it is looked at again, inside the same change.
    bench.ctx.point = async (name) => {
      if (name !== "before kubernetes.PatchDeployment") return;
      bench.ctx.point = () => Promise.resolve();
      cluster().scale("shop", "checkout", 4, "kubectl");
    };
    // The lab's west follows the east: its pods become ready where they may be.
    cluster().editConfig("shop", "app-config", { DB_HOST: endpointOf(east) }, "kubectl");
    const { before, result, waited } = await drive(bench, restartPods, rolling, reads);
    expect(waited.at(-1)).toMatch(/still run with the configuration of before|are replaced and ready|to be replaced/);
    const asked = () => bench.log.of(`kubernetes-${west}`, "PATCH deployments").map(({ status }) => status);
    // The cluster's own controllers may be faster, too.
    const once = asked();
    expect([once[0], once.at(-1), once.filter((status) => status === 200).length]).toEqual([409, 200, 1]);
    await restartPods.apply?.(bench.ctx, rolling, { before: before!, seen: before!, reads });
    await restartPods.apply?.(bench.ctx, rolling, { before: before!, seen: result as RestartPodsSeen, reads });
    expect(asked()).toEqual(once);
    const pods = cluster().pods("shop", "checkout");
    expect(pods.filter(({ uid }) => stale.some((one) => one.uid === uid))).toEqual([]);
    expect(pods.filter(({ ready }) => ready)).toHaveLength(4);
  });

  /** Begins to restart the pods that are there, and stops the process once none is wanted. */
  async function restartHalfWay() {
    const stale = cluster().pods("shop", "checkout");
    const reads = { "point-config": { changed: true, pods: stale.map(({ uid }) => uid) } };
    const stopping = new AbortController();
    const point = (name: string) => {
      // Refused, because a pod ended just then, it is tried again.
      const none = cluster().replicas("shop", "checkout") === 0;
      if (name === "after kubernetes.PatchScale" && none) stopping.abort(new Error("the process stops"));
      return Promise.resolve();
    };
    const seen = (await restartPods.observe(bench.ctx, inputs.restartPods, reads)) as RestartPodsSeen;
    const leavesOff = restartPods.apply?.(bench.as({ stopping: stopping.signal, point }), inputs.restartPods, {
      before: seen,
      seen,
      reads,
    });
    expect(await failure(leavesOff!)).toBe(stopping.signal.reason);
    expect(cluster().replicas("shop", "checkout")).toBe(0);
    return { before: seen, reads };
  }

  it("a change that takes long leaves off when the process stops, and whoever comes next goes on", async () => {
    const { reads } = await restartHalfWay();
    await drive(bench, restartPods, inputs.restartPods, reads);
    expect(cluster().replicas("shop", "checkout")).toBe(3);
  });

  it("taken back half way, it leaves as many pods wanted as before", async () => {
    const { before, reads } = await restartHalfWay();
    bench.ctx.point = async (name) => {
      if (name !== "before kubernetes.PatchScale") return;
      bench.ctx.point = () => Promise.resolve();
      cluster().scale("shop", "checkout", 1, "kubectl");
    };
    await takeBack(bench, restartPods, inputs.restartPods, before, reads);
    expect(cluster().replicas("shop", "checkout")).toBe(3);
  });

  it("pods that hang in their end keep no others from starting, and are not waited for again", async () => {
    const stale = cluster().pods("shop", "checkout");
    const reads = { "point-config": { changed: true, pods: stale.map(({ uid }) => uid) } };
    const isStale = ({ uid }: { uid: string }) => stale.some((one) => one.uid === uid);
    cluster().hangEndings(true);
    const { result } = await drive(bench, restartPods, inputs.restartPods, reads);
    expect(result).toMatchObject({ deployments: [{ stale: 0, scale: { replicas: 3, ready: 3 } }] });
    const pods = cluster().pods("shop", "checkout");
    expect(pods.filter(isStale)).toHaveLength(stale.length);
    const noted = await pointConfig.observe(bench.ctx, inputs.pointConfig, {});
    if ("unknown" in noted) throw new Error(noted.unknown);
    // Of pods that were just being made, some are told to end as well.
    expect(noted.pods).toHaveLength(3);
    expect(noted.pods.filter((uid) => isStale({ uid }))).toEqual([]);
    cluster().hangEndings(false);
  });

  it("pods of the old side are waited for until they end, but not beyond their grace, and only where that matters", async () => {
    const old = bench.clusters[east]!;
    old.hangEndings(true);
    await drive(bench, drainOldSide, inputs.drainOldSide);
    const pods = old.pods("shop", "checkout");
    const deletedAt = Math.max(...pods.map((pod) => pod.deletedAt?.getTime() ?? 0));
    // The API server writes times without parts of a second.
    expect(bench.ctx.now().getTime() - deletedAt).toBeGreaterThan(29_000);
    expect(pods).toHaveLength(3);
    const missing = async (mode: "graceful" | "ungraceful") => {
      const input = { ...inputs.drainOldSide, mode };
      // In the middle of their grace.
      const seen = await drainOldSide.observe(bench.as({ now: () => new Date(deletedAt + 15_000) }), input, {});
      return "unknown" in seen ? seen.unknown : drainOldSide.missing(seen, input, {});
    };
    expect(await missing("graceful")).toBe("3 pods of shop/checkout in the cluster east still run");
    expect(await missing("ungraceful")).toBeUndefined();
    // What may not be listed is not waited for.
    const rules = old.rules.splice(0, old.rules.length, ...old.rules.filter(({ resource }) => resource !== "pods"));
    expect(await missing("graceful")).toBeUndefined();
    old.rules.splice(0, old.rules.length, ...rules);
    old.hangEndings(false);
  });

  it("a deployment or config map that is not there is for a person", async () => {
    const nobody = inputs.scaleDeployment.deployments.map((each) => ({ ...each, name: "nobody" }));
    const scaled = await failure(
      scaleDeployment.observe(bench.ctx, { ...inputs.scaleDeployment, deployments: nobody }, {}),
    );
    expect(scaled).toBeInstanceOf(CannotContinue);
    const nothing = inputs.pointConfig.configs.map((each) => ({ ...each, name: "nothing" }));
    const pointed = await failure(pointConfig.observe(bench.ctx, { ...inputs.pointConfig, configs: nothing }, {}));
    expect(pointed).toBeInstanceOf(CannotContinue);
  });

  it("a refusal after another deployment was scaled is not said to have changed nothing", async () => {
    const input = { ...inputs.scaleDeployment, toRegion: west };
    const deployments = input.deployments.map((each) => ({ ...each, replicas: each.replicas + 1 }));
    const seen = await scaleDeployment.observe(bench.ctx, { ...input, deployments }, {});
    if ("unknown" in seen) throw new Error(seen.unknown);
    // The second is of a moment before the first was changed.
    const stale = { deployments: [...seen.deployments, ...seen.deployments] };
    const apply = () => failure(scaleDeployment.apply!(bench.ctx, input, { before: seen, seen: stale, reads: {} }));
    const [late, first] = [await apply(), await apply()];
    expect([isConflict(late), isConflict(first)]).toEqual([true, true]);
    expect([late, first].map((error) => scaleDeployment.hadNoEffect?.(error))).toEqual([false, true]);
  });
});
