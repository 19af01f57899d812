import type { Plan, PlanNode } from "../../src/engine/plan.ts";

const node = (step: string, title: string, more: Partial<PlanNode> = {}): PlanNode => ({
  id: `checkout/${step}`,
  service: "checkout",
  step,
  title,
  kind: "step",
  input: {},
  after: [],
  reads: [],
  changes: true,
  ...more,
});

/** A small plan: one change with a way back, a question, one without, and a look. */
export const smallPlan: Plan = {
  job: "failover",
  title: "move checkout to us-west-2",
  input: {},
  nodes: [
    node("fence-writes", "stop writes to checkout-db"),
    node("accept-loss", "ask the approvers if more than 10 s of checkout's writes would be lost", {
      kind: "gate",
      changes: false,
      needed: 2,
    }),
    node("promote-replica", "promote checkout-db-west", {
      oneWay: "a promoted replica cannot follow its old primary again",
    }),
    node("verify-service", "see checkout healthy in us-west-2", { changes: false }),
  ],
  locks: ["checkout"],
  claims: [],
  approvers: ["ana", "ben", "cleo"],
  needed: 2,
  blockers: [],
  warnings: ["Traffic is moved by DNS records, whose control plane is in us-east-1."],
};
