import { describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import { report } from "../../jobs/report/failover.ts";
import type { EventBody } from "../../src/engine/events.ts";
import type { Json } from "../../src/engine/step.ts";
import type { PointConfigInput } from "../../src/steps/point-config.ts";
import { eastern } from "../steps/inputs.ts";
import { estate, healthy } from "./facts.ts";

const plan = failover.plan(estate, { toRegion: "us-west-2", service: "checkout" }, healthy);
const at = new Date("2026-11-23T12:00:00Z");
const id = (step: string) => `checkout/${step}`;
const done = (step: string, before: Json = {}): EventBody[] => [
  { kind: "intent", step: id(step), attempt: 1, before },
  { kind: "applied", step: id(step), attempt: 1 },
  { kind: "done", step: id(step), result: { provenBy: "no login" } },
];
const back = (step: string): EventBody[] => [
  { kind: "undo-intent", step: id(step), attempt: 1 },
  { kind: "undone", step: id(step) },
];

const config = plan.nodes.find(({ id: name }) => name === id("point-config"))?.input as PointConfigInput;
const [key] = config.configs;
const scale = { replicas: 3, existing: 3, resourceVersion: "1" };
const drained = done("drain-old-side", { deployments: [{ ...eastern, scale }] });
const pointed = done("point-config", { keys: [{ ...key!, value: "old-host" }] });
const opening: EventBody[] = [{ kind: "proposed", by: "ana", planHash: "x" }, { kind: "started" }];
const undo: EventBody = { kind: "turned-back", by: "ben", signal: 1, verb: "undo" };
const abandoned: EventBody[] = [{ kind: "ended", outcome: "failed", because: "ben abandoned it" }];

/** What the report says of this run that is still open. */
const now = (events: EventBody[]) =>
  report({
    run: { id: "fo-1", plan },
    events: [...opening, ...events].map((event, seq) => ({ ...event, seq, epoch: 1, at })),
    probes: [],
    facts: healthy,
  }).now;

const scaled =
  "shop/checkout in the cluster east is scaled to 0 by this run, and not scaled back; before it wanted 3 pods: kubectl -n shop scale deployment checkout --replicas=3";
const keyed = `${key?.key} of ${key?.namespace}/${key?.name} in the cluster ${key?.cluster} is ${config.host}; before it was old-host.`;

describe("whoever abandons a run on its way back", () => {
  it("reads that the pods of the side that serves again were stopped, and how they come back", () => {
    const parked: EventBody = { kind: "parked", step: id("fence-writes"), because: "checkout-db does not answer" };
    const said = now([...drained, ...pointed, ...done("fence-writes"), undo, parked, ...abandoned]);
    expect(said[0]).toMatch(/^checkout-db is fenced, and nothing was promoted/);
    expect(said.slice(1)).toEqual([scaled, keyed]);
  });

  it("reads where customers are led", () => {
    expect(now([...done("shift-dns"), undo, ...abandoned])).toEqual([
      expect.stringMatching(
        /^Customers of checkout are led to us-west-2 by the records of .*, which this run did not take back\.$/,
      ),
    ]);
  });

  it("reads nothing of what was taken back, was refused, or is still being taken back", () => {
    const refused: EventBody[] = [
      { kind: "intent", step: id("point-config"), attempt: 1, before: { keys: [{ ...key!, value: "old-host" }] } },
      { kind: "call-failed", step: id("point-config"), attempt: 1, error: "Forbidden", noEffect: true },
    ];
    expect(now([...drained, ...refused, undo, ...back("drain-old-side"), ...abandoned])).toEqual([]);
    expect(now([...drained, undo])).toEqual([]);
  });

  it("reads as a maybe what was begun to be taken back", () => {
    const begun: EventBody = { kind: "undo-intent", step: id("drain-old-side"), attempt: 1 };
    expect(now([...drained, undo, begun, ...abandoned])).toEqual([scaled.replace("is scaled", "may be scaled")]);
  });
});

it("past a promotion nobody is told to start the old side", () => {
  expect(now([...drained, ...pointed, ...done("promote-replica"), ...abandoned]).join()).not.toMatch(/kubectl/);
});
