import type { Call } from "../src/chat.ts";
import type { Context } from "../src/context.ts";
import { breakableRules, type BreakableRule, type BrokenGlass } from "../src/engine/break-glass.ts";
import { UserError } from "../src/errors.ts";
import { closest, shorten } from "../src/options.ts";
import { useCode } from "../src/people/totp.ts";

type Options = { "break-glass"?: string | true; reason?: string | true; code?: string | true };

/**
 * Reads which rules somebody breaks, and lets only those do it whom the estate lists: each rule by its name, with a reason,
 * and in a terminal with their code. `approvers` are those of what they want done. Undefined where nobody breaks any.
 * @throws UserError for whoever may not, a rule that there is not or that it would not help to break, and a reason or code
 * that is missing.
 */
export async function readBreakGlass(
  ctx: Context,
  { person, place }: Call,
  options: Options,
  approvers: readonly string[],
): Promise<BrokenGlass | undefined> {
  const { "break-glass": named, reason, code } = options;
  if (typeof named !== "string") {
    if (code !== undefined) throw refused("Only breaking glass in a terminal needs a code.", "Leave --code out.");
    return undefined;
  }
  const { breakGlass: allowed } = ctx.estate;
  if (!allowed.includes(person.name)) {
    const who =
      allowed.length > 0 ? `Ask one of: ${allowed.join(", ")}.` : "Nobody may; the estate's breakGlass is empty.";
    throw refused(`${person.name} is not among those who may break glass.`, who);
  }
  const rules = [...new Set(named.split(",").map((rule) => readRule(rule.trim())))].toSorted();
  if (rules.includes("requester") && !approvers.includes(person.name)) {
    const both = allowed.filter((name) => approvers.includes(name));
    const or = both.length > 0 ? `, or let one ask who may do both: ${both.join(", ")}` : "";
    throw refused(
      `${person.name} is not among those who approve this (${approvers.join(", ")}), and does not become one by breaking the rule requester.`,
      `Leave requester out${or}.`,
    );
  }
  if (typeof reason !== "string") {
    throw refused("Whoever breaks glass says why.", 'Add --reason "..."; everyone who may approve is told it.');
  }
  if (place.kind === "slack" && code !== undefined) throw refused("A code is for terminals only.", "Leave --code out.");
  if (place.kind === "terminal") await useCode(ctx, person.name, typeof code === "string" ? code : undefined);
  return { by: person.name, rules, reason: ctx.redact(reason) };
}

function readRule(word: string): BreakableRule {
  const rule = breakableRules.find((one) => one === word);
  if (rule) return rule;
  throw refused(
    `There is no rule "${shorten(word)}" to be broken.${closest(word, breakableRules)}`,
    `Name those you break, with commas and no spaces: ${breakableRules.join(",")}.`,
  );
}

const refused = (happened: string, todo: string): UserError =>
  new UserError({ happened, means: "Nothing was changed, and every rule holds.", todo });
