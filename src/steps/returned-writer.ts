import type { ReplicationState } from "../adapters/postgres-state.ts";
import { isUnknown, type Reads, type StepContext } from "../engine/step.ts";
import { CannotContinue } from "../errors.ts";
import { intended } from "./own-journal.ts";
import type { DatabaseTarget } from "./targets.ts";

/**
 * Stops a promotion before its first try where the old writer was silent when it was to be fenced, and the replica hears it
 * again: between the two, people may have been asked for hours. A writer that is still silent stops nothing, and a promotion
 * that may have been made is never stopped. Asks nobody outside: what the replica hears was seen by the look at hand.
 */
export async function stopBesideReturned(
  ctx: StepContext,
  stepId: string,
  { hearsWriter, replica, reads }: Pick<ReplicationState, "hearsWriter"> & { replica: DatabaseTarget; reads: Reads },
): Promise<void> {
  if (!hearsWriter || !isUnknown(reads["fence-writes"]) || (await intended(ctx, stepId))) return;
  throw new CannotContinue({
    happened: `The old writer was silent and could not be fenced; now it is back: ${replica.instance} receives from it again.`,
    means:
      "Customers may be writing there. What they write after a promotion would be stranded, and the loss that was shown is out of date. Nothing was promoted.",
    todo: "Press Undo, then ask for the move anew, so that the old writer is fenced; or cut it off from everybody, then press Continue.",
  });
}
