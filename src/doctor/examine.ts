import { messageOf } from "../errors.ts";
import { redactDeep } from "../redact.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, type Finding } from "./finding.ts";

/** Wall milliseconds after which a look is given up. Each call has its own, shorter limit; this one is for what has none. */
const patienceMs = 30_000;

/**
 * Makes all checks at once and returns what they found, in the order of the checks, without secrets. A check that fails or
 * hangs is a finding of its own, behind what it had found until then, and holds up no other.
 */
export async function examine(
  ctx: DoctorContext,
  checks: readonly Check[],
  limitMs: number = patienceMs,
): Promise<Finding[]> {
  const found = await Promise.all(checks.map((check) => lookInTime(ctx, check, limitMs + (check.extraMs?.(ctx) ?? 0))));
  return redactDeep(ctx.redact, found.flat());
}

async function lookInTime(ctx: DoctorContext, check: Check, limitMs: number): Promise<Finding[]> {
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no end after ${limitMs / 1000} seconds`)), limitMs);
  const soFar: Finding[] = [];
  try {
    return await Promise.race([check.look(ctx, soFar), tooLong]);
  } catch (error) {
    return [...soFar, unlooked(check.name, messageOf(error))];
  } finally {
    clearTimeout(timer);
  }
}

const unlooked = (name: string, why: string): Finding =>
  broken(name, {
    happened: `The look at ${name} failed: ${why.replace(/\.+$/, "")}.`,
    means: "Whether it works is not known; nothing was changed.",
    todo: "Type muster doctor again; LOG_LEVEL=debug shows where it fails.",
  });
