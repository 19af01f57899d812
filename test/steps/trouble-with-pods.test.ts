import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { CannotContinue } from "../../src/errors.ts";
import type { Json } from "../../src/engine/step.ts";
import { west } from "../../src/lab/estate.ts";
import { pointConfig } from "../../src/steps/point-config.ts";
import { restartPods } from "../../src/steps/restart-pods.ts";
import { scaleDeployment } from "../../src/steps/scale-deployment.ts";
import { drive, openBench, type Bench } from "./bench.ts";
import { inputs } from "./inputs.ts";

describe("trouble with pods and their configuration", () => {
  let bench: Bench;
  const cluster = () => bench.clusters[west]!;
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

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
      means: "The key was not changed, and customers are where they were.",
      todo: "Pause argocd-controller for it or set DB_HOST to checkout-db-west.us-west-2.rds.lab in Git, then press Continue.",
    });
    expect(cluster().config("shop", "app-config")["DB_HOST"]).toBe("somewhere");
    await bench.db.deleteFrom("step_event").execute();
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
    expect(answers).toEqual([409, 200]);
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
});
