/**
 * The rules that one person may break in an emergency, each by its name: "two-people": one approver is enough, for the
 * plan, its questions and its waivers; "requester": whoever asked may be among them; "loss": nobody is asked again before
 * more is lost than was promised; "cool-down": a service may be moved again at once. Every rule that is not named holds.
 */
export const breakableRules = ["two-people", "requester", "loss", "cool-down"] as const;

export type BreakableRule = (typeof breakableRules)[number];

/** What somebody broke, in the plan that people see and in its hash. */
export type BrokenGlass = { by: string; rules: BreakableRule[]; reason: string };

/** Tells whether a plan goes on without one of the rules. */
export const isBroken = (plan: { breakGlass?: BrokenGlass }, rule: BreakableRule): boolean =>
  plan.breakGlass?.rules.includes(rule) ?? false;

/** How many must say so where usually so many must. */
export const howMany = (plan: { breakGlass?: BrokenGlass }, usually: 1 | 2): 1 | 2 =>
  isBroken(plan, "two-people") ? 1 : usually;

const meanings: Record<BreakableRule, string> = {
  "two-people": "one approver is enough",
  requester: "whoever asked may approve it",
  loss: "nobody is asked before more is lost than promised",
  "cool-down": "the service may be moved again at once",
};

/** Says what was broken, by whom and why, as a sentence without its full stop. */
export function spellBroken({ by, rules, reason }: BrokenGlass): string {
  const each = rules.map((rule) => `${rule} (${meanings[rule]})`).join(", ");
  return `BREAK GLASS: ${by} breaks ${rules.length === 1 ? "the rule" : "the rules"} ${each}. Reason: ${reason.replace(/\.$/, "")}`;
}
