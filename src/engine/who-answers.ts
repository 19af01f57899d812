import { isBroken } from "./break-glass.ts";
import type { Plan } from "./plan.ts";
import type { RunView, StepView } from "./view.ts";

/** Who may answer what is asked of so many: the requester is left out only where usually two must. Pure. */
export const mayAnswer = (plan: Plan, requestedBy: string, needed = 2): string[] =>
  plan.approvers.filter((name) => needed < 2 || name !== requestedBy || isBroken(plan, "requester"));

/** Who may still approve a plan. Pure. */
export const stillAsked = (plan: Plan, { requestedBy, approvals }: RunView): string[] =>
  mayAnswer(plan, requestedBy).filter((name) => approvals.every(({ by }) => by !== name));

/** Who may still answer a step's question: not those who have. Pure. */
export const stillToAnswer = (plan: Plan, { requestedBy }: RunView, { node, asked, answers }: StepView): string[] =>
  mayAnswer(plan, requestedBy, node.needed ?? asked?.needed).filter((name) => !answers.includes(name));
