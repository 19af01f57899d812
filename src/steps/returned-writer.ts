import { getRole } from "../adapters/postgres-fence.ts";
import { getReplicationState } from "../adapters/postgres-state.ts";
import { briefly } from "../call.ts";
import { isUnknown, type Reads, type StepContext } from "../engine/step.ts";
import { CannotContinue } from "../errors.ts";
import { appRoleOf, asMuster } from "./database.ts";
import { doneWithin, mayHaveHappened } from "./own-journal.ts";
import type { DatabaseTarget } from "./targets.ts";

export type Promotion = {
  service: string;
  /** The name of the step that promotes. */
  step: string;
  replica: DatabaseTarget;
  /** The old writer, where it is one that may still live; plans of the release before do not name it. */
  from?: DatabaseTarget;
  reads: Reads;
};

/** For how long the fence's look at a silent writer stands, in seconds: whom people were asked about is looked for anew. */
const freshSeconds = 10;

/**
 * Tells whether an old writer that was silent when it was to be fenced can be looked for before the promotion: between the
 * two, people may have been asked for hours. A promotion that may have been made is never stopped.
 */
export const mayBeStopped = async (ctx: StepContext, { service, step, reads }: Promotion): Promise<boolean> =>
  isUnknown(reads["fence-writes"]) && !(await mayHaveHappened(ctx, `${service}/${step}`));

/**
 * Looks whether such a writer answers Muster again and lets its application write; the replica may be cut off from it while
 * Muster is not. One that stays silent costs a part of a call's time, so right after the fence, which heard nothing either, it
 * is not looked for again.
 */
export async function answersAgain(ctx: StepContext, promotion: Promotion): Promise<boolean> {
  const { from } = promotion;
  if (!from || !(await mayBeStopped(ctx, promotion))) return false;
  if (await doneWithin(ctx, `${promotion.service}/fence-writes`, freshSeconds)) return false;
  try {
    return await asMuster(briefly(ctx), from, "LookAtFence", async (sql) => {
      const role = await getRole(sql, appRoleOf(ctx, from));
      return role?.canLogIn === true && !(await getReplicationState(sql)).inRecovery;
    });
  } catch {
    ctx.signal.throwIfAborted();
    return false;
  }
}

/**
 * Stops a promotion before its first try where the old writer was silent when it was to be fenced, and is heard again, by
 * its replica or by Muster. A writer that is still silent stops nothing.
 */
export async function stopBesideReturned(
  ctx: StepContext,
  promotion: Promotion,
  { hearsWriter, answers }: { hearsWriter: boolean; answers: boolean },
): Promise<void> {
  if (!hearsWriter && !answers) return;
  if (!(await mayBeStopped(ctx, promotion))) return;
  const { instance } = promotion.replica;
  const heard = hearsWriter ? `${instance} receives from it again` : `it answers, and lets the application write`;
  throw new CannotContinue({
    happened: `The old writer was silent and could not be fenced; now it is back: ${heard}.`,
    means:
      "Customers may be writing there. What they write after a promotion would be stranded, and the loss that was shown is out of date. Nothing was promoted.",
    todo: "Press Undo, then ask for the move anew, so that the old writer is fenced; or cut it off from everybody, then press Continue.",
  });
}
