/** A routing control, as its cluster has it. */
export type RoutingControl = { arn: string; name: string; on: boolean };

/** A safety rule: what must be so after a change, or which controls must be On before one. */
export type SafetyRule = {
  arn: string;
  name: string;
  /** How many of the controls must be On. */
  atLeast: number;
  /** How many lab seconds nobody may change its controls after a change: 5 unless somebody chose otherwise. */
  waitSeconds: number;
} & (
  | { kind: "assertion"; controls: string[] }
  | { kind: "gating"; gates: string[]; /** The controls that may be changed only then. */ targets: string[] }
);

type Change = {
  before: readonly RoutingControl[];
  after: readonly RoutingControl[];
  /** Of the controls that somebody wants to set, whether it changes them or not. */
  arns: readonly string[];
  /** When each control was last changed, in milliseconds. */
  changedAt: ReadonlyMap<string, number>;
  now: number;
};

/**
 * Finds the rule that refuses a change, and why. An assertion holds of the states after the whole change; a gating rule
 * asks its gates as they were before.
 * @see https://docs.aws.amazon.com/r53recovery/latest/dg/routing-control.safety-rules.html
 */
export function refusingRule(
  rules: readonly SafetyRule[],
  { before, after, arns, changedAt, now }: Change,
): { rule: SafetyRule; why: string } | undefined {
  for (const rule of rules) {
    const guarded = rule.kind === "assertion" ? rule.controls : rule.targets;
    if (!guarded.some((arn) => arns.includes(arn))) continue;
    const since = Math.max(...guarded.map((arn) => changedAt.get(arn) ?? -Infinity));
    if (now - since < rule.waitSeconds * 1000) {
      return { rule, why: `The safety rule ${rule.name} is in its wait period` };
    }
    const [asked, states] = rule.kind === "assertion" ? [rule.controls, after] : [rule.gates, before];
    const on = states.filter((control) => control.on && asked.includes(control.arn)).length;
    if (on < rule.atLeast) {
      return { rule, why: `The safety rule ${rule.name} requires at least ${rule.atLeast} of its routing controls On` };
    }
  }
  return undefined;
}
