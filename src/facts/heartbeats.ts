import { sql } from "kysely";
import { call, type CallContext } from "../call.ts";
import type { Context } from "../context.ts";
import { unknown } from "../engine/step.ts";
import { look, type Fact } from "./fact.ts";

/** Recalls the newest heartbeat that a writer is known to have taken, for when it no longer answers. */
export function lookAtLastBeat(
  ctx: CallContext & Pick<Context, "db" | "now">,
  instance: string,
): Promise<Fact<{ at: string }>> {
  return look(ctx, async () => {
    const { rows } = await call(ctx, "db.last-beat", () =>
      sql<{ at: Date }>`select beat_at as at from muster.heartbeat where instance = ${instance}`.execute(ctx.db),
    );
    const [row] = rows;
    return row ? { at: row.at.toISOString() } : unknown(`no heartbeat was ever written to ${instance}`);
  });
}

/** Remembers a heartbeat that a writer took. A beat that is told late does not move the clock back. */
export async function rememberBeat(ctx: CallContext & Pick<Context, "db">, instance: string, at: Date): Promise<void> {
  await call(ctx, "db.remember-beat", () =>
    sql`
    insert into muster.heartbeat (instance, beat_at) values (${instance}, ${at})
    on conflict (instance) do update
      set beat_at = greatest(muster.heartbeat.beat_at, excluded.beat_at), seen_at = muster.now()`.execute(ctx.db),
  );
}

/**
 * Remembers what a replica was seen to have, or, with no beat, that the instance is no replica of the service any more. Both
 * regions may have an instance of one name: rows are keyed "region/instance". Those of the release before have the name alone.
 */
export async function rememberReplicaBeat(
  ctx: CallContext & Pick<Context, "db">,
  { service, region, instance }: { service: string; region: string; instance: string },
  at: string | undefined,
): Promise<void> {
  const key = `${region}/${instance}`;
  await call(ctx, "db.remember-replica-beat", () =>
    at === undefined
      ? sql`delete from muster.replica_beat where instance in (${key}, ${instance})`.execute(ctx.db)
      : sql`
        with older as (delete from muster.replica_beat where instance = ${instance})
        insert into muster.replica_beat (instance, service, beat_at) values (${key}, ${service}, ${at}::timestamptz)
        on conflict (instance) do update
          set service = excluded.service, beat_at = excluded.beat_at, seen_at = muster.now()`.execute(ctx.db),
  );
}
