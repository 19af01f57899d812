import type { PgOptions } from "../adapters/postgres.ts";
import { getRole } from "../adapters/postgres-fence.ts";
import { KeptSessions } from "../adapters/postgres-session.ts";
import { getHeartbeat, getReplicationState, hasGuard, writeHeartbeat } from "../adapters/postgres-state.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { sparing } from "../call.ts";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import type { Service } from "../estate.ts";
import type { DatabaseServer } from "../facts/databases/driver.ts";
import { sidesOf } from "../facts/databases/index.ts";
import { rememberBeat, rememberReplicaBeat } from "../facts/heartbeats.ts";
import { findPromotion } from "../facts/promotions.ts";
import type { Side } from "../facts/targets.ts";
import { beatSeconds } from "../steps/loss.ts";
import { appOf, onSide, type Pair } from "./on-side.ts";
import { isOutdated, makeRenewal, type Renewal } from "./renewal.ts";
import { watch, type Watch } from "./turn.ts";
import { hearWitness, tellWitness } from "./witness.ts";

/** Starts writing a heartbeat into every service's database, at whichever side is the writer. */
export function startHeartbeat(ctx: Context): Watch {
  const busy = new Map<string, Promise<void>>();
  const kept = new KeptSessions();
  const renewal = makeRenewal();
  const duty = watch(ctx, { name: "heartbeat", everySeconds: beatSeconds }, (ctx, signal) => {
    for (const [name, service] of Object.entries(ctx.estate.services)) {
      // A side that does not answer holds up its own service's beat, and nobody else's.
      if (busy.has(name)) continue;
      // The next beat comes by itself; a dead database is left in peace for some of them.
      const beat = beatOnce(sparing(ctx), name, service, { signal, kept }, renewal)
        .catch((error: unknown) => {
          if (!signal.aborted) ctx.log.debug({ service: name, error: messageOf(error) }, "no heartbeat was written");
        })
        .finally(() => busy.delete(name));
      busy.set(name, beat);
    }
    return Promise.resolve();
  });
  return {
    async stop() {
      await duty.stop();
      await Promise.all(busy.values());
      await renewal.stop();
      kept.close();
    },
  };
}

/** What a look at one side told about who writes there, and what was known of it before. */
type Look = { takesWrites: boolean; known?: DatabaseServer } | undefined;

/**
 * Decides which side takes the heartbeat, or neither. After a promotion the old side beats only while the new one is seen
 * not to take writes: an old writer that came back beside it gets none. Pure.
 */
export function whoBeats(preferred: Look, other: Look, promoted: boolean): "preferred" | "other" | undefined {
  if (preferred?.takesWrites) return !promoted && other?.takesWrites ? undefined : "preferred";
  if (!other?.takesWrites || (preferred === undefined && promoted)) return undefined;
  return "other";
}

/** Writes one heartbeat of a service, and remembers it once it is written. */
export async function beatOnce(
  ctx: Context,
  name: string,
  service: Service,
  how: PgOptions = {},
  renewal?: Renewal,
): Promise<void> {
  const [database] = service.databases;
  if (!database) return;
  const promotion = await findPromotion(ctx, name);
  const sides = sidesOf(database);
  const preferred = sides.find(({ region }) => region === promotion?.region) ?? sides[0];
  const other = preferred === sides[0] ? sides[1] : sides[0];
  const promoted = promotion !== undefined;

  const pair: Pair = { sides, ...(promoted && { writer: preferred }) };
  const lookAt = (side: Side) => lookAtSide(ctx, { service: name, side, pair }, how);
  const first = await lookAt(preferred);
  // A side that was promoted and takes writes is the writer, whatever the other says, or fails to say for seconds.
  const sure = promoted && first?.takesWrites === true;
  const second = sure ? undefined : await lookAt(other);
  const who = whoBeats(first, second, promoted);
  if (who) await beat(ctx, { ...pair, writer: who === "preferred" ? preferred : other }, how);
  // Only for how far a new replica is behind; no beat waits for it.
  const late = sure ? await lookAt(other) : second;
  const nobodyWrites = !first?.takesWrites && !late?.takesWrites;
  for (const [side, look] of [
    [preferred, first],
    [other, late],
  ] as const)
    if (look && needsRenewal(look, nobodyWrites)) renewal?.renew(ctx, side);
}

/** A primary of Aurora that is remembered as a secondary is asked at its reader endpoint, where a replica may answer. */
const needsRenewal = ({ known, takesWrites }: NonNullable<Look>, nobodyWrites: boolean): boolean =>
  known !== undefined && (isOutdated(known, takesWrites) || (nobodyWrites && known.aurora !== undefined));

async function beat(ctx: Context, pair: Required<Pair>, how: PgOptions): Promise<void> {
  const app = appOf(ctx, pair);
  const at = await onSide(ctx, pair.writer, pair, "WriteHeartbeat", how, async (sql) => {
    // Behind a fence nothing is written any more, so there is nothing to be behind of.
    if (!(await hasGuard(sql)) || (await getRole(sql, app.user))?.canLogIn === false) return undefined;
    const now = ctx.now();
    await writeHeartbeat(sql, now);
    await tellWitness(ctx, sql);
    return now;
  });
  if (at) await rememberBeat(ctx, pair.writer, at);
}

type Asked = { service: string; side: Side; pair: Pair };

/** Looks whether a side takes writes, and remembers what it has of the heartbeat where it is a replica. */
async function lookAtSide(ctx: Context, { service, side, pair }: Asked, how: PgOptions): Promise<Look> {
  try {
    const seen = await onSide(ctx, side, pair, "LookAtReplication", how, async (sql, known) => {
      await hearWitness(ctx, sql, side.instance);
      const { inRecovery } = await getReplicationState(sql);
      return { inRecovery, known, beatAt: inRecovery ? await getHeartbeat(sql) : undefined };
    });
    if (!seen) return undefined;
    await rememberReplicaBeat(ctx, { service, region: side.region, instance: side.instance }, seen.beatAt);
    return { takesWrites: !seen.inRecovery, known: seen.known };
  } catch (error) {
    how.signal?.throwIfAborted();
    if (whyUnreachable(error) === undefined) throw error;
    return undefined;
  }
}
