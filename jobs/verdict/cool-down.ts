import { isBroken, type BrokenGlass } from "../../src/engine/break-glass.ts";
import { spell } from "../../src/spelling.ts";
import { seen } from "../../src/facts/fact.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import { secondsBetween } from "../../src/facts/moment.ts";

/** The move of this service that was a moment ago, as a sentence without its full stop; undefined where there was none. Pure. */
export function recentMove({ service, lastMove, lookedAt }: FailoverFacts, minutes: number): string | undefined {
  const last = lastMove && seen(lastMove)?.last;
  if (!last) return undefined;
  const ago = Math.max(0, secondsBetween(last.at, lookedAt));
  if (ago >= minutes * 60) return undefined;
  return `run ${last.run} moved ${service} ${spell(Math.floor(ago))} ago (${last.title}), and between two moves there are ${minutes} minutes`;
}

/** Blocks a move that comes too soon after the last, unless somebody broke that rule by its name. Pure. */
export function coolDownBlockers(facts: FailoverFacts, minutes: number, breakGlass?: BrokenGlass): string[] {
  const recent = recentMove(facts, minutes);
  if (recent === undefined || isBroken(breakGlass ? { breakGlass } : {}, "cool-down")) return [];
  return [`${recent}; wait and look again, or break the rule cool-down by its name`];
}
