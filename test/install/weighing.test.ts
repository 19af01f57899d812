import { describe, expect, it } from "@jest/globals";
import { isAllowed, readPolicy, type Policy, type Statement } from "../plumbing/iam.ts";
import { ruleFor, type Role } from "../plumbing/rbac.ts";

const names = "route53:ChangeResourceRecordSetsNormalizedRecordNames";
const policy = (...statements: Partial<Statement>[]): Policy => ({
  Version: "2012-10-17",
  Statement: statements.map((statement) => ({
    Sid: "S",
    Effect: "Allow",
    Action: "rds:*",
    Resource: "*",
    ...statement,
  })),
});
const call = (context: Record<string, string[]> = {}) => ({ action: "rds:Promote", resource: "arn:db:one", context });

describe("a policy", () => {
  it.each<[string, boolean, Policy, Record<string, string[]>]>([
    ["that speaks of it", true, policy({}), {}],
    ["in other letters", true, policy({ Action: "RDS:promote" }), {}],
    ["of another action", false, policy({ Action: "rds:Describe*" }), {}],
    ["of another resource", false, policy({ Resource: "arn:db:two" }), {}],
    ["of a resource whose name begins so", false, policy({ Resource: "arn:db:on" }), {}],
    ["of nothing", false, policy(), {}],
    ["and another that denies it", false, policy({}, { Effect: "Deny" }), {}],
    ["and another that denies something else", true, policy({}, { Effect: "Deny", Action: "rds:Delete*" }), {}],
    ["when a tag is right", true, policy({ Condition: { StringEquals: { tag: "yes" } } }), { tag: ["yes"] }],
    ["when a tag is wrong", false, policy({ Condition: { StringEquals: { tag: "yes" } } }), { tag: ["no"] }],
    ["when a tag is not there", false, policy({ Condition: { StringEquals: { tag: "yes" } } }), {}],
    [
      "for all values",
      true,
      policy({ Condition: { "ForAllValues:StringEquals": { [names]: ["a", "b"] } } }),
      { [names]: ["a"] },
    ],
    [
      "for one of two values",
      false,
      policy({ Condition: { "ForAllValues:StringEquals": { [names]: "a" } } }),
      { [names]: ["a", "b"] },
    ],
    ["for all of no values", true, policy({ Condition: { "ForAllValues:StringEquals": { [names]: "a" } } }), {}],
    [
      "for all of no values, which must be there",
      false,
      policy({ Condition: { "ForAllValues:StringEquals": { [names]: "a" }, Null: { [names]: "false" } } }),
      {},
    ],
  ])("%s allows it: %s", (_what, allowed, weighed, context) => {
    expect(isAllowed([weighed], call(context))).toBe(allowed);
  });

  it("with an operator that is not known is not guessed at, nor one with a hole in it", () => {
    const odd = policy({ Condition: { StringLike: { tag: "y*" } } });
    expect(() => isAllowed([odd], call({ tag: ["yes"] }))).toThrow("StringLike");
    expect(() => readPolicy(`{"Resource": "<zone>"}`, {})).toThrow("<zone> has no value");
  });
});

describe("a role", () => {
  const roles: Role[] = [
    {
      kind: "Role",
      metadata: { name: "r", namespace: "shop" },
      rules: [
        { apiGroups: ["apps"], resources: ["deployments/scale"], resourceNames: ["checkout"], verbs: ["patch"] },
        { apiGroups: [""], resources: ["pods"], verbs: ["list"] },
      ],
    },
  ];
  const scale = { verb: "patch", group: "apps", resource: "deployments/scale", namespace: "shop", name: "checkout" };
  it.each([
    [scale, true],
    [{ ...scale, name: "basket" }, false],
    [{ ...scale, name: "" }, false],
    [{ ...scale, namespace: "bank" }, false],
    [{ ...scale, resource: "deployments" }, false],
    [{ ...scale, group: "" }, false],
    [{ ...scale, verb: "update" }, false],
    [{ verb: "list", group: "", resource: "pods", namespace: "shop", name: "" }, true],
  ])("%j: %s", (asked, allowed) => {
    expect(ruleFor(roles, asked) !== undefined).toBe(allowed);
  });
});
