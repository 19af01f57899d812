import { call } from "../call.ts";
import { findNewerRuns } from "../engine/lease.ts";
import type { Check } from "./check.ts";
import { ok, warning } from "./finding.ts";

const subject = "live runs";

/** Whether this version may go on with every run that is live: after going back to an older release it may not. */
export const runs: Check = {
  name: subject,
  async look(ctx) {
    // Where the database does not answer, or lacks its tables, the look at it says so.
    const newer = await call(ctx, "db.newer-runs", () => findNewerRuns(ctx)).catch(() => undefined);
    if (newer === undefined) return [];
    if (newer.length === 0) return [ok(subject, "none is left to a newer Muster")];
    const [are, them, they] = newer.length === 1 ? ["Run", "it", "it goes"] : ["Runs", "them", "they go"];
    return [
      warning(subject, {
        happened: `${are} ${newer.join(", ")} ${newer.length === 1 ? "was" : "were"} in the hands of a newer Muster.`,
        means: `Servers of this version leave ${them} alone; ${they} on where a server of the newer version runs.`,
        todo: `Start one, and keep it until ${newer.length === 1 ? "it is" : "they are"} over.`,
      }),
    ];
  },
};
