import { spell } from "../spelling.ts";
import { waitsSeconds } from "../steps/catch-up.ts";
import type { Mode } from "../steps/targets.ts";
import type { PairSeen } from "./databases/driver.ts";
import { seen } from "./fact.ts";
import { reachedBySomebody } from "./moves.ts";

/** Whether a graceful move cannot outwait a replica that applies everything so much later on purpose. Pure. */
export const isTooLate = (delaySeconds: number): boolean => delaySeconds >= waitsSeconds.graceful;

/** Says why a replica that is late on purpose may not be moved to; a clause without its full stop. Pure. */
export function delayBlockers({ to, facts }: PairSeen, mode: Mode): string[] {
  const delay = seen(facts.to.server)?.applyDelaySeconds ?? 0;
  if (mode !== "graceful" || !isTooLate(delay)) return [];
  return [
    `${late(to.instance, delay)}, and a graceful move waits ${spell(waitsSeconds.graceful)} for that at most, with all writes stopped; set that to 0 there, and let it catch up first`,
  ];
}

/** Says what a replica that is late on purpose makes of a move, before people approve it. Pure. */
export function delayWarnings({ to, facts }: PairSeen, mode: Mode): string[] {
  const delay = seen(facts.to.server)?.applyDelaySeconds ?? 0;
  if (delay === 0) return [];
  if (mode === "ungraceful") {
    // A fence may hold there, and then what is behind it is waited for.
    const asks = reachedBySomebody(facts) && delay >= waitsSeconds.ungraceful;
    return [
      `${late(to.instance, delay)}. What arrived there is applied once it is promoted, and how much that is cannot be told before.${asks ? ` Writes are stopped for ${spell(waitsSeconds.ungraceful)}, and then people are asked to promote it.` : ""}`,
    ];
  }
  if (isTooLate(delay)) return [];
  return [
    `${late(to.instance, delay)}: in this move nobody can write for that long at least. Set that to 0 there, and let it catch up first.`,
  ];
}

const late = (instance: string, delay: number): string =>
  `${instance} applies what it receives ${spell(Math.ceil(delay))} late, on purpose (recovery_min_apply_delay)`;
