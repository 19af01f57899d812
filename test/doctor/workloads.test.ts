import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { objectPath, patchObject } from "../../src/adapters/kubernetes-objects.ts";
import type { DoctorContext } from "../../src/doctor/check.ts";
import { lookAtWorkloads } from "../../src/doctor/workloads.ts";
import type { Estate, GitOpsEntry } from "../../src/estate.ts";
import { west } from "../../src/lab/estate.ts";
import { checkout } from "../../src/lab/services.ts";
import { estate } from "../jobs/facts.ts";
import { openBench, type Bench } from "../steps/bench.ts";

describe("what stands in the way of a move into a region", () => {
  let bench: Bench;
  const cluster = () => bench.clusters[west]!;

  beforeAll(async () => {
    bench = await openBench({ services: [{ ...checkout, autoscaler: { min: 1, max: 5 } }] });
  });
  afterAll(() => bench.close());

  const named = (gitops: GitOpsEntry[]): Estate => {
    const service = estate.services["checkout"];
    if (!service) throw new Error("the lab's estate has no checkout");
    return { ...estate, services: { checkout: { ...service, gitops } } };
  };
  /** What doctor says of the deployment and of its autoscaler. */
  const said = async (gitops: GitOpsEntry[] = []) => {
    const ctx = { ...bench.ctx, estate: named(gitops) } as unknown as DoctorContext;
    return (await lookAtWorkloads(ctx, "west")).filter(({ subject }) => /^the (deployment|autoscaler)/.test(subject));
  };

  it("is an autoscaler that Git keeps, unless the move pauses what applies Git", async () => {
    expect((await said()).map(({ state }) => state)).toEqual(["ok", "ok"]);
    cluster().bound("shop", "checkout", { min: 2, max: 5 }, "argocd-controller");
    expect(await said()).toMatchObject([
      { state: "ok" },
      {
        state: "broken",
        subject: "the autoscaler of shop/checkout in the cluster west",
        happened: "How many pods the autoscaler checkout keeps of shop/checkout is set by argocd-controller.",
        means: "It would put the old number back, so that a move to its region is blocked.",
        todo: "Name its Application under gitops in the estate, and the move pauses it.",
      },
    ]);
    const application = { region: west, cluster: "west", namespace: "argocd", name: "shop", tool: "argocd" as const };
    expect((await said([application])).map(({ state }) => state)).toEqual(["ok", "ok"]);
    cluster().bound("shop", "checkout", { min: 1, max: 5 }, "kubectl");
  });

  it("is a deployment that somebody paused: no pod of it would start with what the move changes", async () => {
    const path = objectPath("/apis/apps/v1", "deployments", { namespace: "shop", name: "checkout" });
    cluster().rules.push({ group: "apps", resource: "deployments", verbs: ["patch"] });
    const pause = (paused: boolean) =>
      patchObject(bench.ctx, bench.ctx.clients.cluster("west"), {
        call: "PatchDeployment",
        path,
        body: { spec: { paused } },
      });
    await pause(true);
    expect(await said()).toMatchObject([
      {
        state: "broken",
        subject: "the deployment shop/checkout in the cluster west",
        happened: "The deployment shop/checkout is paused.",
        todo: "Resume it in the cluster west: kubectl rollout resume deployment/checkout -n shop.",
      },
      { state: "ok" },
    ]);
    await pause(false);
    expect((await said()).map(({ state }) => state)).toEqual(["ok", "ok"]);
  });
});
