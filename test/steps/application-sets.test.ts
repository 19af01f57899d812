import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { takenAway } from "../../src/adapters/kubernetes-application-sets.ts";
import { pausingAnnotations } from "../../src/adapters/kubernetes-gitops.ts";
import type { DoctorContext } from "../../src/doctor/check.ts";
import { lookAtGitOps as examine } from "../../src/doctor/gitops.ts";
import type { CannotContinue } from "../../src/errors.ts";
import type { Json } from "../../src/engine/step.ts";
import { lookAtGitOps } from "../../src/facts/gitops.ts";
import { west } from "../../src/lab/estate.ts";
import { homeOf } from "../../src/lab/gitops.ts";
import { checkout, configMapOf } from "../../src/lab/services.ts";
import type { GitOpsInput } from "../../src/steps/gitops.ts";
import { pauseGitOps } from "../../src/steps/pause-gitops.ts";
import { pointConfig, type PointConfigInput, type PointConfigSeen } from "../../src/steps/point-config.ts";
import { clusterCalls } from "../install/lab-calls.ts";
import { ruleFor, shippedRoles } from "../plumbing/rbac.ts";
import { drive, failure, openBench, type Bench } from "./bench.ts";

const preserved = pausingAnnotations("checkout");
const [skip = "", note = ""] = preserved;

describe("an Application that an ApplicationSet made", () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await openBench({ services: [{ ...checkout, gitops: "argocd", preserved }] });
  });
  afterAll(() => bench.close());

  const entry = { region: west, cluster: "west", tool: "argocd" as const, ...homeOf("argocd") };
  const lab = () => bench.clusters[west]!;
  const pausing: GitOpsInput = { service: "checkout", region: west, objects: [entry] };
  const found = async () => {
    const [fact] = await lookAtGitOps(bench.ctx, { name: "checkout", gitops: { to: [entry], from: [] } });
    return fact?.found;
  };
  const diagnosis = () =>
    examine(bench.ctx as unknown as DoctorContext, entry, { service: "checkout", beside: [entry] });

  it("is known by what its set would take away of a pause, by no more rights than the role gives", async () => {
    const madeBy = { name: "shop", mayLook: true, takesAway: [] as string[] };
    expect(await found()).toMatchObject({ seen: { madeBy } });
    expect(await diagnosis()).toMatchObject({ state: "ok" });
    lab().preserve([skip]);
    expect(await found()).toMatchObject({ seen: { madeBy: { ...madeBy, takesAway: [note] } } });
    expect(await diagnosis()).toMatchObject({
      state: "broken",
      todo: `Add ${note} to spec.preservedFields.annotations of the ApplicationSet shop.`,
    });
    lab().preserve(preserved);
    const calls = clusterCalls(bench.log.all).filter(({ namespace }) => namespace === entry.namespace);
    expect(new Set(calls.map(({ verb, resource }) => `${verb} ${resource}`))).toEqual(
      new Set(["get applications", "get applicationsets"]),
    );
    expect(calls.filter((call) => !ruleFor(shippedRoles("gitops"), call))).toEqual([]);
  });

  it("is not trusted where nobody may read its set", async () => {
    const right = lab().rules.findIndex(({ resource }) => resource === "applicationsets");
    const taken = lab().rules.splice(right, 1);
    expect(await found()).toMatchObject({ seen: { madeBy: { name: "shop", mayLook: false, takesAway: preserved } } });
    expect(await diagnosis()).toMatchObject({
      state: "broken",
      happened: expect.stringMatching(/^Muster may not read the ApplicationSet shop, which made the Application /),
    });
    lab().rules.push(...taken);
  });

  it("stays paused where its set names that, and loses it otherwise; a key that Git owns is then left alone", async () => {
    const { result } = await drive(bench, pauseGitOps, pausing);
    await bench.ctx.clock.sleep(20);
    const notes = { [skip]: "true", [note]: "run-1" };
    expect(lab().gitOps("argocd")).toEqual({ paused: true, notes });

    const key = { cluster: "west", namespace: "shop", name: configMapOf("checkout"), key: "DB_HOST" };
    const pointing: PointConfigInput = {
      service: "checkout",
      toRegion: west,
      configs: [key],
      host: "new-host",
      deployments: [],
      gitopsPaused: true,
    };
    const reads = { "pause-gitops": result as unknown as Json };
    const point = async () => {
      const seen = (await pointConfig.observe(bench.ctx, pointing, reads)) as PointConfigSeen;
      return pointConfig.apply!(bench.ctx, pointing, { before: seen, seen, reads });
    };
    const host = () => lab().config("shop", key.name)["DB_HOST"];
    const asGitSays = host();
    lab().preserve([]);
    do await bench.ctx.clock.sleep(20);
    while (lab().gitOps("argocd")?.paused);
    expect(lab().gitOps("argocd")).toEqual({ paused: false, notes: {} });
    expect(((await failure(point())) as CannotContinue).explanation.happened).toBe(
      "The Application argocd/shop in the cluster west is not paused any more.",
    );
    expect(host()).toBe(asGitSays);

    lab().preserve(preserved);
    await drive(bench, pauseGitOps, pausing);
    await point();
    await bench.ctx.clock.sleep(20);
    expect(host()).toBe("new-host");
  });
});

describe("what an ApplicationSet takes away of a pause", () => {
  const all = "/metadata/annotations";
  it.each<[string, Parameters<typeof takenAway>[0], string[]]>([
    ["names nothing", undefined, preserved],
    ["names another service's", { preservedFields: { annotations: [skip, "paused.muster/payments"] } }, [note]],
    ["names a pattern, which is none", { preservedFields: { annotations: [skip, "paused.muster/*"] } }, [note]],
    ["names both", { preservedFields: { annotations: preserved } }, []],
    [
      "ignores one",
      { ignoreApplicationDifferences: [{ jsonPointers: [`${all}/argocd.argoproj.io~1skip-reconcile`] }] },
      [note],
    ],
    ["ignores all", { ignoreApplicationDifferences: [{ name: "shop", jsonPointers: [all] }] }, []],
    ["ignores another's", { ignoreApplicationDifferences: [{ name: "other", jsonPointers: [all] }] }, preserved],
    ["only creates", { syncPolicy: { applicationsSync: "create-only" } }, []],
    ["creates and deletes", { syncPolicy: { applicationsSync: "create-delete" } }, []],
    ["creates and updates", { syncPolicy: { applicationsSync: "create-update" } }, preserved],
  ])("where it %s", (_, spec, lost) => {
    expect(takenAway(spec, { application: "shop", annotations: preserved })).toEqual(lost);
  });
});
