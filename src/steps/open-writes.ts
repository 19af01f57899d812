import { getEpoch, getRole, GuardRefused, unfenceRole } from "../adapters/postgres-fence.ts";
import { getReplicationState, hasGuard } from "../adapters/postgres-state.ts";
import { CannotContinue } from "../errors.ts";
import { step } from "../engine/step.ts";
import { appRoleOf, asMuster } from "./database.ts";
import type { DatabaseTarget } from "./targets.ts";

export type OpenWritesInput = { service: string; to: DatabaseTarget };

export type OpenWritesSeen = {
  inRecovery: boolean;
  canLogIn: boolean;
  /** This run's mark at the guard; null where there is no guard. */
  marked: boolean | null;
};

/** Lets the application log in at the new writer, and only there: its role travelled with the fence on it. */
export const openWrites = step<OpenWritesInput, OpenWritesSeen>({
  name: "open-writes",
  title: ({ service, to }) => `let ${service} write at ${to.instance} in ${to.region}`,

  observe: (ctx, { to }) =>
    asMuster(ctx, to, "LookAtRole", async (sql) => {
      const role = await getRole(sql, appRoleOf(ctx, to));
      const { inRecovery } = await getReplicationState(sql);
      if (!role) throw noSuchRole(to);
      const marked = (await hasGuard(sql)) ? (await getEpoch(sql, ctx.runId)) !== undefined : null;
      return { inRecovery, canLogIn: role.canLogIn, marked };
    }),

  missing({ inRecovery, canLogIn, marked }, { to }) {
    if (inRecovery) return `${to.instance} does not take writes`;
    if (!canLogIn) return `the application may not log in at ${to.instance}`;
    return marked === false ? `${to.instance} does not know this run yet` : undefined;
  },

  notYet: ({ inRecovery }, { to }) => (inRecovery ? `${to.instance} does not take writes` : undefined),

  async apply(ctx, { to }) {
    const role = appRoleOf(ctx, to);
    await asMuster(ctx, to, "UnfenceRole", (sql) => unfenceRole(sql, role, ctx));
  },

  hadNoEffect: (error) => error instanceof GuardRefused || error instanceof CannotContinue,

  undo: { nothing: "it follows the promotion, after which nothing is undone" },

  patienceSeconds: 120,
  settleSeconds: 5,
  pollSeconds: 3,
});

function noSuchRole(to: DatabaseTarget): CannotContinue {
  return new CannotContinue({
    happened: `${to.instance} has no role of the name that appRole gives.`,
    means: `${to.instance} is the writer, and the application cannot use it.`,
    todo: "Create the role or correct its secret, then press Continue.",
  });
}
