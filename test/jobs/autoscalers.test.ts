import { describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import type { AutoscalerFacts } from "../../src/facts/autoscalers.ts";
import type { FactsWithDatabase } from "../../src/facts/failover.ts";
import { eastDead, estate, healthy, saw, sawNothing } from "./facts.ts";

type Owner = NonNullable<AutoscalerFacts["owner"]>;

const one: Owner = { name: "checkout", min: 1, max: 10, mayChange: true };

/** The healthy world, with autoscalers on one side. */
const owned = (side: "to" | "from", owner: Owner | null): FactsWithDatabase => ({
  ...healthy,
  pods: healthy.pods.map((pods) => (pods.side === side ? { ...pods, autoscaler: saw({ owner }) } : pods)),
});
const plan = (facts: FactsWithDatabase) => failover.plan(estate, { toRegion: "us-west-2", service: "checkout" }, facts);
const deploymentsOf = (facts: FactsWithDatabase, step: string) =>
  (plan(facts).nodes.find((node) => node.step === step)?.input as { deployments: object[] } | undefined)?.deployments;

describe("a deployment that an autoscaler owns", () => {
  it("is told to the steps that scale it, and to no others' targets", () => {
    expect(deploymentsOf(owned("to", one), "scale-deployment")).toEqual([
      { cluster: "west", namespace: "shop", name: "checkout", replicas: 3, autoscaler: "checkout" },
    ]);
    expect(deploymentsOf(owned("to", one), "drain-old-side")).toEqual([
      { cluster: "east", namespace: "shop", name: "checkout", replicas: 3 },
    ]);
    expect(deploymentsOf(owned("to", null), "scale-deployment")).toEqual(deploymentsOf(healthy, "scale-deployment"));
  });

  it("stands on the card with its bounds, and with what becomes of them", () => {
    const facts = owned("to", one);
    const { rows, diffs } = failover.preview(plan(facts), facts);
    expect(rows.find(({ label }) => label === "Pods us-west-2")?.value).toBe(
      "0 ready of 1 asked for; 3 wanted afterwards; the autoscaler checkout keeps 1 to 10",
    );
    const what = "Least pods of the autoscaler shop/checkout (us-west-2)";
    expect(diffs.filter((diff) => diff.what === what)).toEqual([{ what, from: "1", to: "3" }]);
  });

  it.each<[string, Owner, string[]]>([
    ["may have enough", one, []],
    ["keeps enough already, and is not ours to change", { ...one, min: 3, mayChange: false }, []],
    [
      "may not have so many pods",
      { ...one, max: 2 },
      [
        "the autoscaler checkout of shop/checkout in us-west-2 lets it have at most 2 pods, and 3 are wanted there; too few would serve; set its maxReplicas to 3 or more, or lower the replicas in the estate",
      ],
    ],
    [
      "is not ours to change",
      { ...one, mayChange: false },
      ["Muster may not change the autoscaler checkout of shop/checkout in us-west-2, in the cluster west"],
    ],
  ])("%s: what blocks", (_, owner, blockers) => {
    expect(plan(owned("to", owner)).blockers).toEqual(blockers);
  });

  const keda: Owner = { name: "keda-hpa-shop", min: 3, max: 10, mayChange: false, scaledObject: "shop" };
  const ofShop = "the autoscaler keda-hpa-shop of shop/checkout";
  const waking = `${ofShop} in us-east-1 is KEDA's, which would start again what the move stops there; pause its ScaledObject shop as it is first: annotate it with autoscaling.keda.sh/paused=true`;
  const idle = (facts: FactsWithDatabase): FactsWithDatabase => ({
    ...facts,
    pods: facts.pods.map((pods) =>
      pods.side === "to" ? { ...pods, found: saw({ replicas: 0, ready: 0, paused: false }) } : pods,
    ),
  });
  it.each<[string, FactsWithDatabase, string[]]>([
    ["keeps enough in the new region", owned("to", keda), []],
    [
      "keeps too few there",
      owned("to", { ...keda, min: 1, mayChange: true }),
      [
        `${ofShop} in us-west-2 keeps at least 1 of the 3 pods that are wanted there, and KEDA would undo a change of that; set minReplicaCount of its ScaledObject shop to 3 first`,
      ],
    ],
    [
      "may not have so many there",
      owned("to", { ...keda, min: 1, max: 2 }),
      [
        `${ofShop} in us-west-2 lets it have at most 2 pods, and 3 are wanted there; too few would serve; set maxReplicaCount of its ScaledObject shop to 3 or more, or lower the replicas in the estate`,
      ],
    ],
    [
      "has its pods at 0 there while nothing is to be done",
      idle(owned("to", keda)),
      [
        `${ofShop} in us-west-2 is KEDA's, which has the pods at 0 and would stop again what the move starts; set minReplicaCount of its ScaledObject shop to 3, and take its idleReplicaCount away, first`,
      ],
    ],
    ["has nothing to do with one that is off there", idle(owned("to", one)), []],
    ["keeps the pods that a graceful move stops", owned("from", keda), [waking]],
    ["is gone from there, because KEDA is paused", owned("from", null), []],
    ["keeps pods of a region that is left without waiting", { ...eastDead, pods: owned("from", keda).pods }, []],
  ])("KEDA %s: what blocks", (_, facts, blockers) => {
    expect(plan(facts).blockers).toEqual(blockers);
  });

  it("is warned of where KEDA may wake what an ungraceful move stops", () => {
    const warned = plan({ ...eastDead, pods: owned("from", keda).pods }).warnings;
    expect(warned).toContain(
      "KEDA may start pods of shop/checkout in us-east-1 again that the move stops, until its ScaledObject shop is paused (autoscaling.keda.sh/paused=true).",
    );
    expect(plan(eastDead).warnings.filter((line) => line.includes("KEDA"))).toEqual([]);
  });

  it("is warned of where nobody could look for it, and where it may wake what was stopped", () => {
    const unseen = {
      ...healthy,
      pods: healthy.pods.map((pods) => ({ ...pods, autoscaler: sawNothing("the cluster does not answer") })),
    };
    expect(plan(unseen).warnings).toContain(
      "Whether an autoscaler scales shop/checkout in us-west-2 is not known: the cluster does not answer. One that does would fight with the move.",
    );
    expect(plan(owned("from", { ...one, min: 0 })).warnings).toContain(
      "The autoscaler checkout of shop/checkout in us-east-1 may go to 0, and so may start pods there that the move stopped.",
    );
    expect(plan(owned("from", one)).warnings).toEqual(plan(healthy).warnings);
  });
});
