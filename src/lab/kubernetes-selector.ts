import { badRequest } from "./kubernetes-answers.ts";

const equality = /^([^=!\s()]+)\s*(==?|!=)\s*([^\s()]*)$/;
const set = /^([^=!\s()]+)\s+(in|notin)\s*\(([^()]*)\)$/;
const presence = /^(!?)\s*([^=!\s()]+)$/;

/** Tells whether labels meet a selector: "a=b", "a==b", "a!=b", "a in (b,c)", "a notin (b,c)", "a" and "!a", joined by commas. */
export function selects(selector: string | null, labels: Record<string, string>): boolean {
  // Commas inside brackets part values, not requirements.
  const requirements = (selector ?? "").split(/,(?![^(]*\))/).map((part) => part.trim());
  return requirements.filter(Boolean).every((part) => meets(part, labels));
}

function meets(requirement: string, labels: Record<string, string>): boolean {
  const [, key, sign, value] = equality.exec(requirement) ?? [];
  if (key !== undefined) return (labels[key] === value) === (sign !== "!=");
  const [, name, operator, list] = set.exec(requirement) ?? [];
  if (name !== undefined) {
    const values = (list ?? "").split(",").map((each) => each.trim());
    // What has no such label is not in any set.
    return values.includes(labels[name] ?? "\0") === (operator === "in");
  }
  const [, not, wanted] = presence.exec(requirement) ?? [];
  if (wanted === undefined) throw badRequest(`unable to parse requirement: ${requirement}`);
  return wanted in labels === (not === "");
}
