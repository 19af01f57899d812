import { sql } from "kysely";
import { call, type CallContext } from "../call.ts";
import type { Context } from "../context.ts";
import { unknown } from "../engine/step.ts";
import { beatKey } from "../steps/loss.ts";
import { look, type Fact } from "./fact.ts";

type Place = { region: string; instance: string };

/**
 * Recalls the newest heartbeat that a writer is known to have taken, for when it no longer answers. A server of the release
 * before, while there is one, notes it by the instance's name alone.
 */
export function lookAtLastBeat(
  ctx: CallContext & Pick<Context, "db" | "now">,
  place: Place,
): Promise<Fact<{ at: string }>> {
  return look(ctx, async () => {
    const { rows } = await call(ctx, "db.last-beat", () =>
      sql<{ at: Date | null }>`
        select max(beat_at) as at from muster.heartbeat where instance in (${beatKey(place)}, ${place.instance})`.execute(
        ctx.db,
      ),
    );
    const at = rows[0]?.at;
    return at ? { at: at.toISOString() } : unknown(`no heartbeat was ever written to ${place.instance}`);
  });
}

/** Remembers a heartbeat that a writer took. A beat that is told late does not move the clock back. */
export async function rememberBeat(ctx: CallContext & Pick<Context, "db">, place: Place, at: Date): Promise<void> {
  await call(ctx, "db.remember-beat", () =>
    sql`
    insert into muster.heartbeat (instance, beat_at) values (${beatKey(place)}, ${at})
    on conflict (instance) do update
      set beat_at = greatest(muster.heartbeat.beat_at, excluded.beat_at), seen_at = muster.now()`.execute(ctx.db),
  );
}

/**
 * Remembers what a replica was seen to have, or, with no beat, that the instance is no replica of the service any more. One
 * that the release before noted by the instance's name alone goes.
 */
export async function rememberReplicaBeat(
  ctx: CallContext & Pick<Context, "db">,
  { service, region, instance }: Place & { service: string },
  at: string | undefined,
): Promise<void> {
  const key = beatKey({ region, instance });
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
