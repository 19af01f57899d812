import type { Plan } from "./plan.ts";
import type { RunView } from "./view.ts";

/** Says why a plan expired: its approvals did not come in time, or they did and no server was there to start it. Pure. */
export function whyExpired(
  { needed }: Pick<Plan, "needed">,
  { approvals }: Pick<RunView, "approvals">,
): { sentence: string; because: string } {
  if (approvals.length < needed) {
    const came = `${approvals.length} of ${needed} approvals came`;
    const only = approvals.length > 0;
    return {
      sentence: `${only ? "Only " : ""}${came} within 15 minutes.`,
      because: `${only ? "only " : ""}${came} in time`,
    };
  }
  return {
    sentence: "It was approved, but no server of Muster could start it within 15 minutes of its plan.",
    because: "no server could start it in time",
  };
}
