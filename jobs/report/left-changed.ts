import { spellObject } from "../../src/adapters/s3.ts";
import type { RunView, StepView } from "../../src/engine/view.ts";
import { drainOldSide, type DrainOldSideSeen } from "../../src/steps/drain-old-side.ts";
import { flipControlObject, type FlipControlObjectInput } from "../../src/steps/flip-control-object.ts";
import { pointConfig, type PointConfigInput, type PointConfigSeen } from "../../src/steps/point-config.ts";
import { pods } from "../../src/steps/scaling.ts";
import { setRoutingControls } from "../../src/steps/set-routing-controls.ts";
import { shiftDns, type ShiftDnsInput } from "../../src/steps/shift-dns.ts";
import { swapRecords } from "../../src/steps/swap-records.ts";
import { spelt } from "../../src/steps/targets.ts";
import { stepOf } from "./step-of.ts";

/** What a step says of itself that was not taken back. `sure` where nobody tried to take it back, and it was seen done. */
type Saying = (step: StepView, sure: boolean) => string[];

const sayings: Record<string, Saying> = {
  [drainOldSide.name]: ({ before }, sure) =>
    ((before as DrainOldSideSeen | undefined)?.deployments ?? [])
      .filter(({ scale }) => scale.replicas > 0)
      .map(
        ({ scale: { replicas }, ...deployment }) =>
          `${spelt(deployment)} ${isOrMayBe(sure)} scaled to 0 by this run, and not scaled back; before it wanted ${pods(replicas)}: kubectl -n ${deployment.namespace} scale deployment ${deployment.name} --replicas=${replicas}`,
      ),

  [pointConfig.name]({ before, node }, sure) {
    const { host } = node.input as PointConfigInput;
    return ((before as PointConfigSeen | undefined)?.keys ?? [])
      .filter(({ value }) => value !== host)
      .map((key) => `${key.key} of ${spelt(key)} ${isOrMayBe(sure)} ${host}; before it was ${key.value ?? "not set"}.`);
  },

  [shiftDns.name]: (step, sure) =>
    sayTraffic(step, sure, `the records of ${(step.node.input as ShiftDnsInput).dns.name}`),
  [swapRecords.name]: (step, sure) =>
    sayTraffic(step, sure, `the records of ${(step.node.input as ShiftDnsInput).dns.name}`),
  [flipControlObject.name]: (step, sure) =>
    sayTraffic(step, sure, `the switch ${spellObject((step.node.input as FlipControlObjectInput).object)}`),
  [setRoutingControls.name]: (step, sure) => sayTraffic(step, sure, "its routing controls"),
};

/** Says what a run of one service that ended before its promotion changed and did not take back; a sentence each. Pure. */
export function leftChanged(view: RunView): string[] {
  if (!view.ended || view.ended.outcome === "done") return [];
  return Object.entries(sayings).flatMap(([name, say]) => {
    const step = stepOf(view, name);
    // What was refused changed nothing.
    if (!step || step.undone || step.attempts <= step.refusedTries) return [];
    return say(step, step.done !== undefined && step.undo.attempts === 0);
  });
}

function sayTraffic({ node }: StepView, sure: boolean, by: string): string[] {
  const { toRegion } = node.input as { toRegion: string };
  return [
    `Customers of ${node.service} ${sure ? "are" : "may be"} led to ${toRegion} by ${by}, which this run did not take back.`,
  ];
}

const isOrMayBe = (sure: boolean): string => (sure ? "is" : "may be");
