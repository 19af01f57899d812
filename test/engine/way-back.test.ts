import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { decide } from "../../src/engine/decide.ts";
import type { EventBody, JournalEvent } from "../../src/engine/events.ts";
import { fold } from "../../src/engine/fold.ts";
import type { PlanNode } from "../../src/engine/plan.ts";
import { planOf } from "./engine-lab.ts";

const idOf = (index: number): string => `shop/step-${index}`;
const nodeOf = (index: number, after: readonly number[]): PlanNode => ({
  id: idOf(index),
  service: "shop",
  step: `step-${index}`,
  kind: "step",
  title: idOf(index),
  input: {},
  after: after.map(idOf),
  reads: [],
  changes: true,
});

/** What is next on the way back of a run that changed these, and has taken those back. */
function nextBack(nodes: PlanNode[], changed: readonly string[], undone: readonly string[]): string[] {
  const bodies: EventBody[] = [
    { kind: "proposed", by: "ana", planHash: "x" },
    { kind: "approved", by: "ben", signal: 1 },
    { kind: "approved", by: "cleo", signal: 2 },
    { kind: "started" },
    ...changed.flatMap((step): EventBody[] => [
      { kind: "intent", step, attempt: 1, before: {} },
      { kind: "done", step, result: {} },
    ]),
    { kind: "turned-back", by: "ben", signal: 3, verb: "undo" },
    ...undone.map((step): EventBody => ({ kind: "undone", step })),
  ];
  const events = bodies.map((body, index): JournalEvent => ({
    ...body,
    seq: index + 1,
    epoch: 1,
    at: new Date(index),
  }));
  const plan = planOf(nodes);
  return decide(plan, fold(plan, events), new Date(), () => undefined).undo.map(({ id }) => id);
}

describe("the way back", () => {
  it("takes back only what nothing that is still to go back waited for, directly or not", () => {
    const steps = fc.array(fc.record({ after: fc.array(fc.nat(), { maxLength: 3 }), is: fc.nat(2) }), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(steps, (drawn) => {
        const nodes = drawn.map(({ after }, index) =>
          nodeOf(index, index === 0 ? [] : [...new Set(after.map((one) => one % index))]),
        );
        const left = new Set(drawn.flatMap(({ is }, index) => (is === 1 ? [idOf(index)] : [])));
        const undone = drawn.flatMap(({ is }, index) => (is === 2 ? [idOf(index)] : []));
        const isAwaited = (id: string): boolean =>
          nodes.some((later) => later.after.includes(id) && (left.has(later.id) || isAwaited(later.id)));
        const expected = nodes.map(({ id }) => id).filter((id) => left.has(id) && !isAwaited(id));
        expect(nextBack(nodes, [...left, ...undone], undone)).toEqual(expected);
      }),
    );
  });

  it("of a thousand services' steps looks at each a few times, and not at each for each", () => {
    const nodes = Array.from({ length: 15_000 }, (_, index) => nodeOf(index, index % 15 === 0 ? [] : [index - 1]));
    let looks = 0;
    for (const node of nodes) {
      const { after } = node;
      Object.defineProperty(node, "after", { get: () => ((looks += 1), after) });
    }
    const changed = nodes.flatMap(({ id }, index) => (index % 15 < 4 ? [id] : []));
    expect(nextBack(nodes, changed, [])).toHaveLength(1000);
    expect(looks).toBeLessThan(20 * nodes.length);
  });
});
