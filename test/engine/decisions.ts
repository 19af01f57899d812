import { isBroken } from "../../src/engine/break-glass.ts";
import type { Plan } from "../../src/engine/plan.ts";
import type { RunView } from "../../src/engine/view.ts";

/** Proves that people decided what the rules leave to them, as many of them as the unbroken rules ask for. @throws Error */
export function checkDecisions(plan: Plan, view: RunView): void {
  const approvers = new Set(view.approvals.map((approval) => approval.by));
  const enough = isBroken(plan, "two-people") ? 1 : 2;
  const isTooFew = (names: ReadonlySet<string>) =>
    names.size < enough || names.has("mallory") || (names.has("ana") && !isBroken(plan, "requester"));
  if (view.startedAt && isTooFew(approvers)) {
    throw new Error("a run started without the approvers that its unbroken rules ask for");
  }
  const gate = view.steps.get("shop/ask");
  const beforehand = isBroken(plan, "loss");
  if (gate?.asked && beforehand) throw new Error("a question was asked that had been answered");
  if (gate?.done && !beforehand && isTooFew(new Set(gate.answers))) {
    throw new Error("a question was answered by fewer than its unbroken rules ask for");
  }
  for (const step of view.steps.values()) {
    if (step.waived && isTooFew(new Set(step.waived.by))) {
      throw new Error("a step was waived by fewer than the unbroken rules ask for");
    }
  }
}
