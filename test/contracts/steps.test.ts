import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { isUnknown, type AnyStep, type Json, type Reads, type Step } from "../../src/engine/step.ts";
import { east, endpointOf, west } from "../../src/lab/estate.ts";
import { checkout } from "../../src/lab/services.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { steps } from "../../src/steps/index.ts";
import { drive, openBench, takeBack, type Bench } from "../steps/bench.ts";
import { inputs, ledger, vault } from "../steps/inputs.ts";
import { snapshot } from "../steps/snapshot.ts";

/** What must be so before a step has anything to do, where the steps before it do not see to it. */
const preparations: Record<string, (bench: Bench) => Promise<void> | void> = {
  "swap-records": (bench) => bench.useTraffic("route53-failover"),
  "flip-control-object": (bench) => {
    bench.useTraffic("route53-switch");
    inputs.flipControlObject.expected.values = [bench.edges[west]?.address ?? ""];
  },
  "set-routing-controls": (bench) => {
    bench.useTraffic("arc-routing-control");
    inputs.setRoutingControls.endpoints = bench.recoveryCluster.endpoints;
    inputs.setRoutingControls.expected.values = [bench.edges[west]?.address ?? ""];
  },
  "point-config": () => {
    inputs.pointConfig.gitopsPaused = true;
  },
  // Git says what the steps before have made of it: nothing is put back.
  "resume-gitops": (bench) => {
    const object = { namespace: "shop", name: "app-config" };
    bench.clusters[west]?.commit({ resource: "configmaps", ...object, data: { DB_HOST: endpointOf(west) } });
    for (const cluster of Object.values(bench.clusters))
      cluster.commit({ resource: "deployments", namespace: "shop", name: "checkout" });
  },
  "fence-returned": async (bench) => {
    await ask(bench.pair.primary.server, "alter role app login");
    bench.clusters[east]?.scale("shop", "checkout", 3, "kubectl");
  },
};

const inputOf = (name: string): Json => {
  const key = name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase()) as keyof typeof inputs;
  return inputs[key];
};
const asJson = (step: AnyStep) => step as unknown as Step<Json, Json>;

/** One world, in which the steps of the list are taken in their order: what one leaves is what the next one finds. */
describe.each(steps.map((step) => [step.name, step] as const))("%s", (name, each) => {
  it("is named as its file, has an input here, and a title that finishes a sentence", () => {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)+$/);
    expect(inputOf(name)).toBeDefined();
    expect(each.title(inputOf(name) as never)).toMatch(/^[a-z].*[^.]$/);
  });

  if (each.kind === "gate") {
    it("asks one or two people, or nobody when a waived step leaves nothing to ask", () => {
      expect([1, 2]).toContain(each.needed);
      const question = each.question(inputOf(name) as never, {});
      expect(question === undefined || question.endsWith("?")).toBe(true);
    });
    return;
  }

  const step = asJson(each);
  const input = inputOf(name);

  it("has limits, and says why where there is no way back", () => {
    const patience = typeof step.patienceSeconds === "number" ? step.patienceSeconds : step.patienceSeconds(input);
    expect(patience).toBeGreaterThan(step.settleSeconds);
    expect(step.pollSeconds).toBeGreaterThan(0);
    if ("apply" in step.undo) return;
    const why = "oneWay" in step.undo ? step.undo.oneWay : step.undo.nothing;
    expect(why).toMatch(/^[a-z].{10,}[^.]$/);
  });

  it("changes nothing by looking", async () => {
    await preparations[name]?.(bench);
    const before = await snapshot(bench);
    await step.observe(bench.ctx, input, reads);
    await step.observe(bench.ctx, input, reads);
    expect(await snapshot(bench)).toEqual(before);
  });

  it("leaves nothing missing, and twice is once", async () => {
    const first = await snapshot(bench);
    const podsFirst = podsOf(bench);
    const driven = await drive(bench, step, input, reads);
    if (isUnknown(driven.result)) throw new Error(driven.result.unknown);
    expect(step.missing(driven.result, input, reads)).toBeUndefined();
    const after = await snapshot(bench);
    if (step.apply && driven.before !== undefined) {
      expect({ after, pods: podsOf(bench) }).not.toEqual({ after: first, pods: podsFirst });
      await applyAgain(step, input, driven.before, driven.before);
      await applyAgain(step, input, driven.before, driven.result);
      expect(await snapshot(bench)).toEqual(after);
    }
    expect(step.apply === undefined).toBe(driven.before === undefined);
    if ("apply" in step.undo && driven.before !== undefined) {
      await takeBack(bench, step, input, driven.before, reads);
      expect(await snapshot(bench)).toEqual(first);
      const again = await drive(bench, step, input, reads);
      expect(await snapshot(bench)).toEqual(after);
      reads[name] = again.result;
      return;
    }
    reads[name] = driven.result;
  });
});

/** Pods are others after a restart, though everything that was asked for is the same. */
const podsOf = ({ clusters }: Bench): string[] =>
  Object.values(clusters).flatMap((cluster) => cluster.pods("shop", "checkout").map(({ uid }) => uid));

let bench: Bench;
const reads: Reads = {};
beforeAll(async () => {
  bench = await openBench({ services: [{ ...checkout, gitops: "flux" }, ledger, vault] });
});
afterAll(() => bench.close());

/** A worker that woke up late makes the call again, with what it saw: it changes nothing, or is refused. */
async function applyAgain(step: Step<Json, Json>, input: Json, before: Json, seen: Json): Promise<void> {
  try {
    await step.apply?.(bench.ctx, input, { before, seen, reads });
  } catch (error) {
    expect({ error, noEffect: step.hadNoEffect?.(error) }).toMatchObject({ noEffect: true });
  }
}
