import { describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import type { Owner } from "../../src/adapters/kubernetes-owners.ts";
import type { FactsWithDatabase } from "../../src/facts/failover.ts";
import type { GitOpsFacts, Maker } from "../../src/facts/gitops.ts";
import { checkout } from "../../src/lab/services.ts";
import { report } from "../../jobs/report/failover.ts";
import type { EventBody } from "../../src/engine/events.ts";
import type { Json } from "../../src/engine/step.ts";
import { estate as plain, estateWith, healthy, saw, sawNothing } from "./facts.ts";

const estate = estateWith({ services: [{ ...checkout, gitops: "flux" }] });
const [west, east] = estate.services["checkout"]?.gitops ?? [];
if (!west || !east) throw new Error("the lab's estate names no Kustomization");

type Found = GitOpsFacts["found"];
type Seen = Extract<Found, { seen: unknown }>["seen"];
const found = (to: Found, from: Found = saw({ paused: false, mayChange: true })): FactsWithDatabase => ({
  ...healthy,
  gitops: [
    { side: "to", entry: west, found: to },
    { side: "from", entry: east, found: from },
  ],
});
const runs = found(saw({ paused: false, mayChange: true }));
const wish = { toRegion: "us-west-2", service: "checkout" };
const plan = (facts: FactsWithDatabase, of = estate) => failover.plan(of, wish, facts);
const node = (step: string, of = plan(runs)) => of.nodes.find((one) => one.step === step);

/** A config map, and a number of pods, that a controller keeps. */
const owned = (facts: FactsWithDatabase, owner: Owner): FactsWithDatabase => ({
  ...facts,
  configs: facts.configs.map((config) => ({ ...config, now: saw({ value: "x", resourceVersion: "7", owner }) })),
  pods: facts.pods.map((pods) => ({ ...pods, found: saw({ replicas: 3, ready: 3, paused: false, owner }) })),
});

describe("what keeps a service as Git says", () => {
  it("is paused before anything is changed, and resumed behind everything, once a person says that Git is right", () => {
    expect(node("pause-gitops")?.after).toEqual([]);
    expect(node("point-config")).toMatchObject({
      after: ["checkout/pause-gitops"],
      reads: ["checkout/pause-gitops"],
      input: { gitopsPaused: true },
    });
    expect(node("drain-old-side")?.after).toEqual(["checkout/pause-old-gitops"]);
    expect(node("trust-git")).toMatchObject({
      kind: "gate",
      after: ["checkout/watch-stability", "checkout/pause-gitops", "checkout/pause-old-gitops"],
      input: {
        now: [
          "DB_HOST of shop/app-config in us-west-2 is checkout-db-west.us-west-2.rds.lab",
          "shop/checkout in us-west-2 wants 3 pods",
          "shop/checkout in us-east-1 wants 0 pods",
        ],
      },
    });
    expect(node("resume-gitops")?.after).toContain("checkout/trust-git");
    expect(plan(runs).nodes.at(-1)?.step).toBe("resume-gitops");
  });

  it("needs no person where the estate says so, and adds nothing where the estate names nothing", () => {
    const automatic = plan(
      runs,
      estateWith({ services: [{ ...checkout, gitops: "flux" }], resumeGitops: "automatic" }),
    );
    expect(node("trust-git", automatic)).toBeUndefined();
    expect(node("resume-gitops", automatic)?.after).toContain("checkout/watch-stability");
    expect(plan(healthy, plain).nodes.filter(({ step }) => /git/.test(step))).toEqual([]);
    expect(node("point-config", plan(healthy, plain))?.input).not.toHaveProperty("gitopsPaused");
  });

  it("stands on the card, with what becomes of it", () => {
    const values = (facts: FactsWithDatabase) =>
      failover
        .preview(plan(facts), facts)
        .rows.filter(({ label }) => label.startsWith("GitOps"))
        .map(({ label, value }) => `${label}: ${value}`);
    const later = "Kustomization flux-system/shop: paused for the move, resumed once somebody says that Git is right";
    expect(values(runs)).toEqual([`GitOps us-west-2: ${later}`, `GitOps us-east-1: ${later}`]);
    const paused = found(saw({ paused: true, mayChange: false }), sawNothing("no answer"));
    expect(values(paused)).toEqual([
      "GitOps us-west-2: Kustomization flux-system/shop: paused already; it stays so",
      "GitOps us-east-1: Kustomization flux-system/shop: no answer",
    ]);
    expect(plan(paused).warnings).toContain(
      "Whether the Kustomization flux-system/shop in the cluster east can be paused is not known: no answer. It may start again in the old region what the move stops there.",
    );
  });

  it("says which ended run still holds it, and what this move makes of that", () => {
    const heldBy = (service: string, ended: boolean) =>
      found(saw({ paused: true, mayChange: true, heldFor: [{ service, run: "fo-2", ended }] }));
    const shown = (facts: FactsWithDatabase) => failover.preview(plan(facts), facts).rows.map(({ value }) => value);
    const later = "Kustomization flux-system/shop: paused for the move, resumed once somebody says that Git is right";
    expect(shown(heldBy("payments", true))).toContain(`${later}, where payments no longer needs it paused`);
    expect(plan(heldBy("payments", true)).warnings).toContain(
      "The Kustomization flux-system/shop in the cluster west was left paused for payments by run fo-2, which has ended, and this move leaves it so. Once Git says of payments what is so, take the annotation paused.muster/payments away before this run ends, and it is resumed at its end.",
    );
    // Its own service's note is taken over.
    expect(shown(heldBy("checkout", true)).filter((value) => value === later)).toHaveLength(2);
    for (const facts of [heldBy("payments", false), heldBy("checkout", true)])
      expect(plan(facts).warnings.filter((line) => line.includes("left paused"))).toEqual([]);
  });

  const key = "DB_HOST in shop/app-config";
  const underGitops = "under gitops in the estate, and the move pauses it";
  const resumedBy = (app: string) =>
    saw({ paused: false, mayChange: true, appliedBy: { manager: "flux", gitops: true, tool: "flux", app } as const });
  const notes = ["argocd.argoproj.io/skip-reconcile", "paused.muster/checkout"];
  const madeBy = (maker: Partial<Maker>, paused: Partial<Seen> = {}) =>
    saw({
      paused: false,
      mayChange: true,
      ...paused,
      madeBy: { name: "shops", mayLook: true, takesAway: [], ...maker },
    });
  const shop = "the Kustomization flux-system/shop in the cluster west";
  it.each<[string, FactsWithDatabase, string[]]>([
    ["made by an ApplicationSet that leaves it paused", found(madeBy({})), []],
    [
      "made by one that takes the pause away",
      found(madeBy({ takesAway: notes })),
      [
        `the ApplicationSet shops made ${shop} and would take its pause away; add argocd.argoproj.io/skip-reconcile and paused.muster/checkout to spec.preservedFields.annotations of the ApplicationSet shops`,
      ],
    ],
    [
      "made by one that nobody may read",
      found(madeBy({ mayLook: false, takesAway: notes })),
      [
        `Muster may not read the ApplicationSet shops, which made ${shop} and may take its pause away; give its role the verb get on applicationsets`,
      ],
    ],
    ["made by one, and paused by somebody else", found(madeBy({ takesAway: notes }, { paused: true })), []],
    [
      "made by one, and paused for another service",
      found(
        madeBy(
          { takesAway: ["paused.muster/checkout"] },
          { paused: true, heldFor: [{ service: "payments", run: "fo-2", ended: false }] },
        ),
      ),
      [
        `the ApplicationSet shops made ${shop} and would take its pause away; add paused.muster/checkout to spec.preservedFields.annotations of the ApplicationSet shops`,
      ],
    ],
    ["named, and seen", owned(runs, { manager: "flux", gitops: true, tool: "flux", app: "shop" }), []],
    [
      "named, and told by its manager alone",
      owned(runs, { manager: "kustomize-controller", gitops: true, tool: "flux" }),
      [],
    ],
    [
      "another than the one that is named",
      owned(runs, { manager: "flux", gitops: true, tool: "flux", app: "other" }),
      [
        `${key} is kept by flux, which would put the old value back; name its Kustomization other ${underGitops}`,
        `the number of pods of shop/checkout in us-west-2 is kept by flux, which would put it back; name its Kustomization other ${underGitops}`,
      ],
    ],
    [
      "a HelmRelease where a Kustomization of its name is named",
      owned(runs, { manager: "flux", gitops: true, tool: "flux-helm", app: "shop" }),
      [
        `${key} is kept by flux, which would put the old value back; name its HelmRelease shop ${underGitops}`,
        `the number of pods of shop/checkout in us-west-2 is kept by flux, which would put it back; name its HelmRelease shop ${underGitops}`,
      ],
    ],
    [
      "one that its own parent would resume",
      found(resumedBy("parent")),
      [
        `Git says of the Kustomization flux-system/shop in the cluster west whether it is paused, and flux would resume it; name its Kustomization parent ${underGitops}`,
      ],
    ],
    ["one whose parent is paused with it", found(resumedBy("shop")), []],
    [
      "one that another run holds, and that is not ours to change",
      found(saw({ paused: true, mayChange: false, heldFor: [{ service: "payments", run: "fo-2", ended: false }] })),
      ["Muster may not pause the Kustomization flux-system/shop in the cluster west"],
    ],
    [
      "one that keeps the autoscaler",
      {
        ...healthy,
        pods: healthy.pods.map((pods) => ({
          ...pods,
          autoscaler: saw({
            owner: {
              name: "a",
              min: 1,
              max: 9,
              mayChange: true,
              owner: { manager: "argocd-controller", gitops: true, tool: "argocd" },
            },
          }),
        })),
      },
      [
        `the number of pods of shop/checkout in us-west-2 is kept by argocd-controller, which would put it back; name its Application ${underGitops}`,
      ],
    ],
    [
      "one that Muster cannot pause",
      owned(runs, { manager: "fleet-agent", gitops: true }),
      [
        `${key} is kept by fleet-agent, which would put the old value back; Muster cannot pause fleet-agent; have it leave that key to others`,
        "the number of pods of shop/checkout in us-west-2 is kept by fleet-agent, which would put it back; Muster cannot pause fleet-agent; have it leave that number to others",
      ],
    ],
    [
      "not there",
      found(sawNothing("there is no such thing")),
      ["the Kustomization flux-system/shop in the cluster west cannot be seen: there is no such thing"],
    ],
    [
      "not ours to change in the old region",
      found(saw({ paused: false, mayChange: true }), saw({ paused: false, mayChange: false })),
      ["Muster may not pause the Kustomization flux-system/shop in the cluster east"],
    ],
    [
      "not ours to change",
      found(saw({ paused: false, mayChange: false })),
      ["Muster may not pause the Kustomization flux-system/shop in the cluster west"],
    ],
  ])("%s: what blocks", (_, facts, blockers) => {
    expect(plan(facts).blockers).toEqual(blockers);
  });
});

describe("what a run that has ended left paused", () => {
  const seenIn = (cluster: string, ours = true): Json => ({
    objects: [{ cluster, tool: "flux", namespace: "flux-system", name: "shop", paused: true, ours }],
  });
  const tried = (step: string): EventBody => ({ kind: "intent", step: `checkout/${step}`, attempt: 1, before: {} });
  const done = (step: string, result: Json): EventBody => ({ kind: "done", step: `checkout/${step}`, result });
  const near = [tried("pause-gitops"), done("pause-gitops", seenIn("west"))];
  const far = [tried("pause-old-gitops"), done("pause-old-gitops", seenIn("east"))];
  const abandoned: EventBody = { kind: "ended", outcome: "failed", because: "ana abandoned it" };
  const told = (...events: EventBody[]) =>
    report({
      run: { id: "fo-1", plan: plan(runs) },
      events: events.map((event, index) => ({ ...event, seq: index + 1, epoch: 1, at: new Date(index * 1000) })),
      probes: [],
      facts: runs,
    }).now.filter((line) => line.includes("still paused"));
  const line = (cluster: string, is = "is") =>
    `The Kustomization flux-system/shop in the cluster ${cluster} ${is} still paused by this run, and nothing resumes it. Once Git says what is so by now, and where no other service has its note there (paused.muster/...): kubectl -n flux-system patch kustomizations.kustomize.toolkit.fluxcd.io shop --type merge -p '{"metadata":{"annotations":{"paused.muster/checkout":null}},"spec":{"suspend":null}}'`;

  it.each<[string, EventBody[], string[]]>([
    ["what it paused, on both sides", [...near, ...far, abandoned], [line("west"), line("east")]],
    ["nothing while it is under way", [...near, ...far], []],
    ["nothing that somebody else had paused", [done("pause-gitops", seenIn("west", false)), abandoned], []],
    ["nothing that was taken back", [...near, { kind: "undone", step: "checkout/pause-gitops" }, abandoned], []],
    ["nothing that was resumed", [...near, ...far, tried("resume-gitops"), done("resume-gitops", {}), abandoned], []],
    ["what it may have paused", [tried("pause-gitops"), abandoned], [line("west", "may be")]],
    ["what it may not have resumed", [...near, tried("resume-gitops"), abandoned], [line("west", "may be")]],
    [
      "what did not answer when the rest was resumed",
      [
        ...near,
        ...far,
        done("resume-gitops", { unknown: "nobody answers for it" }),
        { kind: "ended", outcome: "done" },
      ],
      [line("east", "may be")],
    ],
  ])("tells %s", (_, events, lines) => {
    expect(told(...events)).toEqual(lines);
  });
});
