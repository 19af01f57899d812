import type { Json, Reads } from "../engine/step.ts";

/** The timeline that a replica was on before its promotion; undefined where no earlier step saw it. */
export function timelineBefore(reads: Reads): number | undefined {
  const timeline = fieldOf(reads["fence-writes"], "timeline") ?? fieldOf(reads["catch-up"], "timeline");
  // A catch-up that looked after a promotion (somebody else's) has seen the new timeline already.
  return fieldOf(reads["catch-up"], "inRecovery") === false ? undefined : (timeline as number | undefined);
}

/** Reads a field of an earlier step's result; undefined where there is none, as of a look that saw nothing. */
export function fieldOf(result: Json | undefined, field: string): Json | undefined {
  if (typeof result !== "object" || result === null || Array.isArray(result)) return undefined;
  return result[field] ?? undefined;
}
