import type { V1LabelSelector } from "@kubernetes/client-node";
import { CannotContinue } from "../errors.ts";

/**
 * Writes a deployment's selector as the API takes it in a query: all its labels and all its expressions.
 *
 * @throws CannotContinue where it selects nothing in particular: the API would read an empty text as "everything there is".
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#api
 */
export function selectorText({ matchLabels = {}, matchExpressions = [] }: V1LabelSelector, named: string): string {
  const labels = Object.entries(matchLabels).map(([name, value]) => `${name}=${value}`);
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    switch (operator) {
      case "In":
        return `${key} in (${values.join(",")})`;
      case "NotIn":
        return `${key} notin (${values.join(",")})`;
      case "Exists":
        return key;
      case "DoesNotExist":
        return `!${key}`;
      default:
        throw cannot(`The selector of ${named} has the operator "${operator}", which Muster does not know.`);
    }
  });
  const all = [...labels, ...expressions];
  if (all.length === 0) throw cannot(`The deployment ${named} has an empty selector.`);
  return all.join(",");
}

const cannot = (happened: string) =>
  new CannotContinue({
    happened,
    means: "Which pods are its own cannot be told, and none was touched.",
    todo: "Give it a selector of labels, then press Continue.",
  });
