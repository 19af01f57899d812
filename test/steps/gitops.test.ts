import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { getConfigKey, getScale, isConflict } from "../../src/adapters/kubernetes.ts";
import { getGitOps, pauseGitOps as pauseFor } from "../../src/adapters/kubernetes-gitops.ts";
import { Clock } from "../../src/clock.ts";
import type { CannotContinue } from "../../src/errors.ts";
import type { DoctorContext } from "../../src/doctor/check.ts";
import { lookAtGitOps as examine } from "../../src/doctor/gitops.ts";
import { isUnknown, type Step } from "../../src/engine/step.ts";
import { lookAtGitOps } from "../../src/facts/gitops.ts";
import { east, west } from "../../src/lab/estate.ts";
import { homeOf, resourceOf, type GitOpsTool } from "../../src/lab/gitops.ts";
import { checkout, configMapOf } from "../../src/lab/services.ts";
import type { GitOpsInput, GitOpsSeen } from "../../src/steps/gitops.ts";
import { pauseGitOps } from "../../src/steps/pause-gitops.ts";
import { pauseOldGitOps } from "../../src/steps/pause-old-gitops.ts";
import { pointConfig, type PointConfigInput } from "../../src/steps/point-config.ts";
import { resumeGitOps } from "../../src/steps/resume-gitops.ts";
import { clusterCalls } from "../install/lab-calls.ts";
import { ruleFor, shippedRoles } from "../plumbing/rbac.ts";
import { ledger } from "./inputs.ts";
import { drive, failure, openBench, takeBack, type Bench } from "./bench.ts";

/** As the API server notes what a Kustomization applied. */
const applied = {
  manager: "kustomize-controller",
  operation: "Apply" as const,
  apiVersion: "v1",
  time: "2026-11-27T12:00:00Z",
  fieldsType: "FieldsV1" as const,
};
const skipped = { "f:metadata": { "f:annotations": { "f:argocd.argoproj.io/skip-reconcile": {} } } };

/** One world for all three: each keeps a service of its own, with its key and its pods. */
let bench: Bench;
beforeAll(async () => {
  const books = { ...ledger, name: "books" };
  bench = await openBench({
    services: [
      { ...checkout, gitops: "argocd" },
      { ...ledger, gitops: "flux" },
      { ...books, gitops: "flux-helm" },
    ],
  });
});
afterAll(() => bench.close());

describe.each<[GitOpsTool, string]>([
  ["argocd", "checkout"],
  ["flux", "ledger"],
  ["flux-helm", "books"],
])("what %s keeps as Git says", (tool, kept) => {
  const lab = (region = west) => bench.clusters[region]!;
  const object = (cluster: string) => ({ cluster, tool, ...homeOf(tool) });
  const near: GitOpsInput = { service: "checkout", region: west, objects: [object("west")] };
  const far: GitOpsInput = { service: "checkout", region: east, objects: [object("east")] };
  const resuming = { service: "checkout", objects: near.objects, oldObjects: [object("east")] };
  const key = { namespace: "shop", name: configMapOf(kept), key: "DB_HOST" };
  const host = () => lab().config("shop", key.name)["DB_HOST"];
  const gitOps = (region = west) => lab(region).gitOps(tool);
  /** Longer than each waits between two looks for drift. */
  const afterAWhile = () => bench.ctx.clock.sleep(tool === "argocd" ? 20 : 70);
  /** On a busy machine all that was due in a while comes at once, and whoever waited for it may be the first. */
  const isPutBack = async (asGitSays: string | undefined) => {
    for (let looks = 0; looks < 20 && host() !== asGitSays; looks += 1) await afterAWhile();
    expect(host()).toBe(asGitSays);
  };
  const drift = (to: string) => lab().editConfig("shop", key.name, { DB_HOST: to }, "muster");
  const seenOf = (seen: unknown) => seen as GitOpsSeen;

  it("is put back, and told by its marks", async () => {
    const asGitSays = host();
    drift("elsewhere");
    await isPutBack(asGitSays);
    const cluster = bench.ctx.clients.cluster("west");
    const owner = { manager: tool === "argocd" ? tool : "flux", gitops: true, tool, app: "shop" };
    expect((await getConfigKey(bench.ctx, cluster, key))?.owner).toEqual(owner);
    expect((await getScale(bench.ctx, cluster, { namespace: "shop", name: kept }))?.owner).toEqual(owner);
  });

  it("stays as it was changed while it is paused, and comes back when undone", async () => {
    const asGitSays = host();
    const { before } = await drive(bench, pauseGitOps, near);
    expect(gitOps()).toMatchObject({ paused: true, notes: { "paused.muster/checkout": "run-1" } });
    drift("elsewhere");
    await afterAWhile();
    expect(host()).toBe("elsewhere");
    await takeBack(bench, pauseGitOps, near, before!);
    expect(gitOps()).toEqual({ paused: false, notes: {} });
    await isPutBack(asGitSays);
  });

  it("goes on only once nobody else needs it paused, and stays paused where somebody else had paused it", async () => {
    await drive(bench, pauseGitOps, near);
    const { resourceVersion } = seenOf(await pauseGitOps.observe(bench.ctx, near, {})).objects[0]!;
    const other = { service: "payments", runId: "run-2", resourceVersion };
    await pauseFor(bench.ctx, bench.ctx.clients.cluster("west"), near.objects[0]!, other);
    await drive(bench, pauseOldGitOps, far);
    await drive(bench, resumeGitOps, resuming);
    expect(gitOps()).toMatchObject({ paused: true, notes: { "paused.muster/payments": "run-2" } });
    expect(gitOps(east)).toEqual({ paused: false, notes: {} });
    // Paused by Muster for another, it is held for this one, too; and the last one out lets it go.
    await drive(bench, pauseGitOps, near);
    await drive(bench, resumeGitOps, { ...resuming, service: "payments" });
    expect(gitOps()?.notes).toMatchObject({
      "paused.muster/payments": "run-2",
      "paused.muster/checkout": "run-1",
    });
    const theirs = bench.as({ runId: "run-2" });
    const seen = seenOf(await resumeGitOps.observe(theirs, { ...resuming, service: "payments" }, {}));
    await resumeGitOps.apply!(theirs, { ...resuming, service: "payments" }, { before: seen, seen, reads: {} });
    expect(gitOps()?.paused).toBe(true);
    await drive(bench, resumeGitOps, resuming);
    expect(gitOps()).toEqual({ paused: false, notes: {} });

    const home = homeOf(tool);
    if (tool === "argocd") {
      const write = (annotations: Record<string, string>) =>
        lab().describe("applications", home.namespace, home.name, { annotations });
      // As Go spells a boolean: somebody may have written it in any of its ways.
      for (const written of ["true", "T", "1"]) {
        const annotations = { "argocd.argoproj.io/skip-reconcile": written };
        write(annotations);
        const { before } = await drive(bench, pauseGitOps, near);
        expect(before).toBeUndefined();
        await drive(bench, resumeGitOps, resuming);
        expect(gitOps()).toEqual({ paused: true, notes: annotations });
      }
      write({ "argocd.argoproj.io/skip-reconcile": "yes" });
      const ref = { ...object("west"), ...home };
      const running = await getGitOps(bench.ctx, bench.ctx.clients.cluster("west"), ref);
      expect([running?.paused, gitOps()?.paused]).toEqual([false, false]);
      write({});
    }
  });

  it("is known to be left paused, once the run that paused it has ended", async () => {
    const clusters = bench.ctx.clients.cluster("west");
    const entry = { region: west, ...near.objects[0]! };
    const { resourceVersion } = (await getGitOps(bench.ctx, clusters, entry))!;
    await pauseFor(bench.ctx, clusters, entry, { service: "payments", runId: bench.ctx.runId, resourceVersion });
    const look = () => lookAtGitOps(bench.ctx, { name: "checkout", gitops: { to: [entry], from: [] } });
    const held = (ended: boolean) => [
      { found: { seen: { paused: true, heldFor: [{ service: "payments", run: bench.ctx.runId, ended }] } } },
    ];
    expect(await look()).toMatchObject(held(false));
    await bench.db.updateTable("run").set({ outcome: "failed", ended_at: new Date() }).execute();
    expect(await look()).toMatchObject(held(true));
    const doctor = bench.ctx as unknown as DoctorContext;
    expect(await examine(doctor, entry, { service: "checkout", beside: [] })).toMatchObject({
      state: "warning",
      happened: expect.stringMatching(/ was left paused for payments by run run-1, which has ended\.$/),
    });
    await bench.db.updateTable("run").set({ outcome: null, ended_at: null }).execute();
    await drive(bench, resumeGitOps, { ...resuming, service: "payments" });
    expect(gitOps()).toEqual({ paused: false, notes: {} });
  });

  it("is asked and changed by no more rights than its role gives", () => {
    const { namespace } = homeOf(tool);
    const calls = clusterCalls(bench.log.all).filter(
      (call) => call.namespace === namespace && call.resource === resourceOf[tool],
    );
    expect(new Set(calls.map(({ verb, resource }) => `${verb} ${resource}`))).toEqual(
      new Set([`get ${resourceOf[tool]}`, `patch ${resourceOf[tool]}`]),
    );
    expect(calls.filter((call) => !ruleFor(shippedRoles("gitops"), call))).toEqual([]);
  });

  it("tells who applies the object itself, where Git says there whether it is paused", async () => {
    const cluster = bench.ctx.clients.cluster("west");
    const { namespace, name } = homeOf(tool);
    const labels = { "kustomize.toolkit.fluxcd.io/name": "parent" };
    const field = tool === "argocd" ? skipped : { "f:spec": { "f:suspend": {} } };
    const apply = (fieldsV1: Record<string, unknown>) =>
      lab().describe(resourceOf[tool], namespace, name, { labels, managedFields: [{ ...applied, fieldsV1 }] });
    apply({ "f:spec": { "f:interval": {} } });
    expect(await getGitOps(bench.ctx, cluster, near.objects[0]!)).not.toHaveProperty("appliedBy");
    apply(field);
    expect(await getGitOps(bench.ctx, cluster, near.objects[0]!)).toMatchObject({
      appliedBy: { manager: "flux", gitops: true, tool: "flux", app: "parent" },
    });
    const entry = { region: west, ...near.objects[0]! };
    const parent = { ...entry, tool: "flux" as const, name: "parent" };
    const doctor = bench.ctx as unknown as DoctorContext;
    expect(await examine(doctor, entry, { service: "checkout", beside: [entry] })).toMatchObject({
      state: "broken",
      todo: "Name its Kustomization parent under gitops in the estate, and the move pauses it.",
    });
    const both = { service: "checkout", beside: [entry, parent] };
    expect(await examine(doctor, entry, both)).toMatchObject({ state: "ok", seen: "running" });
  });

  it("is for a person where it is not there, and unknown where the old region does not answer", async () => {
    const nothing = { ...near, objects: [{ ...near.objects[0]!, name: "nothing" }] };
    const error = await pauseGitOps.observe(bench.ctx, nothing, {}).catch((thrown: unknown) => thrown);
    expect((error as CannotContinue).explanation.happened).toMatch(
      /^There is no (Application|Kustomization|HelmRelease) (argocd|flux-system)\/nothing in the cluster west\.$/,
    );
    // Silence is the same, whatever does not answer: once is enough.
    if (tool !== "flux-helm") return;
    await bench.setRegionDead(east, true);
    const brief = bench.as({ callTimeoutMs: 400 });
    expect(isUnknown(await pauseOldGitOps.observe(brief, far, {}))).toBe(true);
    expect(isUnknown(await resumeGitOps.observe(brief, resuming, {}))).toBe(true);
    const reads = { "pause-old-gitops": { unknown: "the cluster east does not answer" } };
    expect(seenOf(await resumeGitOps.observe(bench.ctx, resuming, reads)).objects).toHaveLength(1);
  });
});

describe("ten services of a wave that share one Application and one config map", () => {
  const names = Array.from({ length: 10 }, (_, index) => `service-${index}`);
  const application = { cluster: "west", tool: "argocd" as const, ...homeOf("argocd") };
  const map = { cluster: "west", namespace: "shop", name: "app-config" };
  const gitOps = () => bench.clusters[west]!.gitOps("argocd");
  const data = () => bench.clusters[west]!.config("shop", map.name);
  const edit = (change: Record<string, string | null>) =>
    bench.clusters[west]!.editConfig("shop", map.name, change, "kubectl");
  const keysOf = (name: string) => [`${name}-DB_HOST`, `${name}-DB_READER`];
  const hosts = (host: string) => Object.fromEntries(names.flatMap(keysOf).map((key) => [key, host]));
  const pausing = (name: string): GitOpsInput => ({ service: name, region: west, objects: [application] });
  const pointing = (name: string, host = "west"): PointConfigInput => ({
    service: name,
    toRegion: west,
    configs: keysOf(name).map((key) => ({ ...map, key })),
    host,
    deployments: [],
    gitopsPaused: true,
  });
  const patches = (of: string) => bench.log.of(`kubernetes-${west}`, `PATCH ${of}`);
  /** As a wall clock that runs a little fast, so that pauses are longer than the lab's answers. */
  const ctx = () => bench.as({ clock: new Clock({ shows: bench.ctx.now(), rate: 3 }) });
  const seenBy = async <Input, Seen>(step: Step<Input, Seen>, input: Input): Promise<Seen> =>
    (await step.observe(bench.ctx, input, {})) as Seen;

  /** All look, and only then all change, once each: as the engine does, but that nobody is tried again. */
  async function atOnce<Input, Seen>(step: Step<Input, Seen>, inputOf: (name: string) => Input, before?: Seen[]) {
    const looked = await Promise.all(names.map((name) => seenBy(step, inputOf(name))));
    const change = async (seen: Seen, index: number) => {
      const input = inputOf(names[index]!);
      if (!before) await step.apply!(ctx(), input, { before: seen, seen, reads: {} });
      else if ("apply" in step.undo) await step.undo.apply(ctx(), input, { before: before[index]!, seen, reads: {} });
    };
    await Promise.all(looked.map(change));
    return looked;
  }

  it("all pause it, point their keys and take both back, each by one change that is not refused in the end", async () => {
    edit(hosts("east"));
    const notes = Object.fromEntries(names.map((name) => [`paused.muster/${name}`, "run-1"]));
    const running = await atOnce(pauseGitOps, pausing);
    expect(gitOps()).toMatchObject({ paused: true, notes });
    const before = await atOnce(pointConfig, pointing);
    expect(data()).toMatchObject(hosts("west"));
    // Both keys of a service go out together, and whoever was refused was refused for what another had written.
    const written = patches("configmaps").filter(({ effects }) => effects.length > 0);
    expect(written.map(({ effects }) => effects[0]?.wanted.match(/service-\d-DB_\w+=west/g)?.length)).toEqual(
      names.map(() => 2),
    );
    await atOnce(pointConfig, pointing, before);
    expect(data()).toMatchObject(hosts("east"));
    await atOnce(pauseGitOps, pausing, running);
    expect(gitOps()).toEqual({ paused: false, notes: {} });
  });

  it("leave to the next look what somebody else did meanwhile to the very same thing", async () => {
    const [name = ""] = names;
    const seen = await seenBy(pointConfig, pointing(name));
    edit({ [`${name}-DB_HOST`]: "by-hand" });
    const error = await failure(pointConfig.apply!(ctx(), pointing(name), { before: seen, seen, reads: {} }));
    expect([isConflict(error), pointConfig.hadNoEffect?.(error)]).toEqual([true, true]);
    expect(data()).toMatchObject({ [`${name}-DB_HOST`]: "by-hand", [`${name}-DB_READER`]: "east" });
    // Of two maps the first is written by now: that the second was refused does not tell that nothing changed.
    const other = { ...map, name: configMapOf("ledger"), key: "DB_READER" };
    const both = { ...pointing(name), configs: [other, ...pointing(name).configs] };
    const looked = await seenBy(pointConfig, both);
    edit({ [`${name}-DB_HOST`]: "by-hand-again" });
    const half = await failure(pointConfig.apply!(ctx(), both, { before: looked, seen: looked, reads: {} }));
    expect([isConflict(half), pointConfig.hadNoEffect?.(half)]).toEqual([true, false]);
    expect(bench.clusters[west]!.config("shop", other.name)[other.key]).toBe("west");

    const running = await seenBy(pauseGitOps, pausing(name));
    const annotations = { "argocd.argoproj.io/skip-reconcile": "true" };
    bench.clusters[west]!.describe("applications", application.namespace, application.name, { annotations });
    await pauseGitOps.apply!(ctx(), pausing(name), { before: running, seen: running, reads: {} });
    expect(gitOps()).toEqual({ paused: true, notes: annotations });
    bench.clusters[west]!.describe("applications", application.namespace, application.name, { annotations: {} });
  });
});
