/** Weighs calls to AWS against policy files, as far as those of deploy/iam go: an operator that is not here is an error. */
type Condition = Record<string, Record<string, string | string[]>>;
export type Statement = {
  Sid: string;
  Effect: "Allow" | "Deny";
  Action: string | string[];
  Resource: string | string[];
  Condition?: Condition;
};
export type Policy = { Version: "2012-10-17"; Statement: Statement[] };

/** One call as IAM sees it: "rds:PromoteReadReplica", an ARN, and the condition keys that it carries. */
export type AwsCall = { action: string; resource: string; context: Record<string, string[]> };

/** Reads a policy file, with each `<name>` in it replaced. @throws Error for a name that has no value */
export function readPolicy(text: string, values: Record<string, string>): Policy {
  const filled = text.replaceAll(/<([a-z-]+)>/g, (_whole, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`<${name}> has no value`);
    return value;
  });
  return JSON.parse(filled) as Policy;
}

/** Every action that policies name, each once. */
export const actionsOf = (policies: readonly Policy[]): string[] =>
  [...new Set(policies.flatMap(({ Statement }) => Statement.flatMap(({ Action }) => [Action].flat())))].toSorted();

/** Tells whether some statement allows a call and none denies it. What nothing speaks of is not allowed. */
export function isAllowed(policies: readonly Policy[], call: AwsCall): boolean {
  const about = policies.flatMap(({ Statement }) => Statement).filter((statement) => applies(statement, call));
  return about.some(({ Effect }) => Effect === "Allow") && !about.some(({ Effect }) => Effect === "Deny");
}

function applies({ Action, Resource, Condition = {} }: Statement, { action, resource, context }: AwsCall): boolean {
  return (
    [Action].flat().some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase())) &&
    [Resource].flat().some((pattern) => matches(pattern, resource)) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, wanted]) => holds(operator, [wanted].flat(), context[key] ?? [])),
    )
  );
}

function holds(operator: string, wanted: string[], given: string[]): boolean {
  switch (operator) {
    case "StringEquals":
      return given.length === 1 && wanted.includes(given[0] ?? "");
    case "Bool":
      return given.length === 1 && wanted.includes(given[0] ?? "");
    // True of a key that is not there: hence the Null beside it.
    case "ForAllValues:StringEquals":
      return given.every((value) => wanted.includes(value));
    case "Null":
      return wanted.includes(String(given.length === 0));
    default:
      throw new Error(`the operator ${operator} is not known here`);
  }
}

/** `*` stands for anything, `?` for one character. */
function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(text);
}
