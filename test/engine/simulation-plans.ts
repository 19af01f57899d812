import type { BreakableRule } from "../../src/engine/break-glass.ts";
import type { Plan, PlanNode } from "../../src/engine/plan.ts";

const nodeOf = (service: string, step: string, after: string[], extra: Partial<PlanNode> = {}): PlanNode => ({
  id: `${service}/${step}`,
  service,
  step,
  kind: "step",
  title: step,
  input: {},
  after: after.map((name) => `${service}/${name}`),
  reads: [],
  changes: true,
  ...extra,
});

const nodesOf = (service: string, answeredBy?: string): PlanNode[] => [
  nodeOf(service, "point", []),
  nodeOf(service, "fence", []),
  nodeOf(service, "ask", ["fence"], {
    kind: "gate",
    changes: false,
    needed: 2,
    ...(answeredBy === undefined ? {} : { answeredBy }),
  }),
  nodeOf(service, "promote", ["ask"], { oneWay: "a promoted replica cannot follow again" }),
  nodeOf(service, "verify", ["promote", "point"], { changes: false }),
  nodeOf(service, "shift", ["verify"]),
];

/** A failover of one service, in which these rules were broken. */
export function plan(rules: BreakableRule[]): Plan {
  return {
    job: "failover",
    title: "move shop",
    input: {},
    nodes: nodesOf("shop", rules.includes("loss") ? "ana" : undefined),
    locks: ["shop"],
    claims: [],
    approvers: ["ana", "ben", "cleo"],
    needed: rules.includes("two-people") ? 1 : 2,
    blockers: [],
    warnings: [],
    ...(rules.length > 0 ? { breakGlass: { by: "ana", rules, reason: "nobody else is awake" } } : {}),
  };
}

/** The plan of a region's move, as failover-region makes it: two waves, and what lets the second one begin. */
export function planInWaves(): Plan {
  const start = nodeOf("wave-2", "start-wave", [], { changes: false });
  const second = nodesOf("cart").map((node) => (node.after.length > 0 ? node : { ...node, after: [start.id] }));
  return {
    ...plan([]),
    nodes: [...nodesOf("shop"), ...nodesOf("till"), start, ...second],
    locks: ["shop", "till", "cart"],
  };
}
