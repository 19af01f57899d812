import { asApp, asGuard, withPostgres, type PgTarget, type Sql } from "../adapters/postgres.ts";
import { tryWrite, type WriteAttempt } from "../adapters/postgres-fence.ts";
import type { StepContext } from "../engine/step.ts";
import type { DatabaseTarget } from "./targets.ts";

/** Does some work in a service's database as Muster's own role. */
export function asMuster<T>(
  ctx: StepContext,
  target: DatabaseTarget,
  name: string,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const { database } = appTarget(ctx, target);
  const aurora = target.aurora ? { aurora: target.region } : {};
  const place = asGuard(ctx.clients.pg, { host: target.host, port: target.port, database, ...aurora });
  return withPostgres(ctx, ctx.clients.pg, place, name, work, { signal: ctx.signal });
}

/** Tries a write as the application's own role, and leaves nothing behind. */
export function tryWriteAsApp(ctx: StepContext, target: DatabaseTarget): Promise<WriteAttempt> {
  return tryWrite(ctx, ctx.clients.pg, appTarget(ctx, target), { signal: ctx.signal });
}

/** Names the role the application uses at a database. */
export function appRoleOf(ctx: StepContext, target: DatabaseTarget): string {
  return appTarget(ctx, target).user;
}

function appTarget(ctx: StepContext, target: DatabaseTarget): PgTarget {
  return asApp(target, ctx.secret(target.appRole));
}
