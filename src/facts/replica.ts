import { sql } from "kysely";
import type { Instance } from "../adapters/rds.ts";
import { call, type CallContext } from "../call.ts";
import type { Context } from "../context.ts";
import type { DatabaseServer } from "./databases/driver.ts";
import type { Side } from "./targets.ts";

/** Remembers an instance as RDS told it, for the day on which its region does not answer. */
export async function rememberInstance(
  ctx: CallContext & Pick<Context, "db">,
  side: Side,
  instance: DatabaseServer,
): Promise<void> {
  await call(ctx, "db.remember-instance", () =>
    sql`
    insert into muster.instance (region, instance, described)
    values (${side.region}, ${side.instance}, ${JSON.stringify(instance)}::jsonb)
    on conflict (region, instance) do update set described = excluded.described, seen_at = muster.now()`.execute(
      ctx.db,
    ),
  );
}

/** Recalls how an instance was when its region last told; undefined when it never did. */
export async function recallInstance(
  ctx: CallContext & Pick<Context, "db">,
  side: Side,
): Promise<Instance | undefined> {
  const { rows } = await call(ctx, "db.recall-instance", () =>
    sql<{ described: Instance }>`
    select described from muster.instance where region = ${side.region} and instance = ${side.instance}`.execute(
      ctx.db,
    ),
  );
  return rows[0]?.described;
}
