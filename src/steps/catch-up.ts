import type { TableCounts } from "../adapters/postgres-counts.ts";
import { getHeartbeat, getReplicationState, lsnBytes, type ReplicationState } from "../adapters/postgres-state.ts";
import { isUnknown, step, unknown, type Json, type Reads } from "../engine/step.ts";
import { asMuster } from "./database.ts";
import { findLastWrite, lossSeconds } from "./loss.ts";
import { countTables } from "./row-counts.ts";
import type { DatabaseTarget, Mode } from "./targets.ts";

export type CatchUpInput = { service: string; mode: Mode; from: DatabaseTarget; to: DatabaseTarget };

export type CatchUpSeen = {
  inRecovery: boolean;
  receiveLsn: string | null;
  replayLsn: string | null;
  timeline: number | null;
  hearsWriter: boolean;
  /** Without a fence: received and replayed were equal, and the same 2 seconds before. */
  still: boolean;
  heartbeatOnReplica: string | null;
  /** What promoting now would lose; null when nobody can tell. */
  lossSeconds: number | null;
  /** Rows of the replica at this moment, if they could be counted: what an old writer that returns is compared with. */
  counts: TableCounts | null;
};

const betweenLooksSeconds = 2;

/** How long a replica is waited for before a person is asked, or what it has is taken. */
export const waitsSeconds: Record<Mode, number> = { graceful: 900, ungraceful: 120 };

/** Waits until the replica has everything it can get. */
export const catchUp = step<CatchUpInput, CatchUpSeen>({
  name: "catch-up",
  title: ({ from, to }) => `wait until ${to.instance} has everything that ${from.instance} wrote`,

  async observe(ctx, { service, mode, from, to }, reads) {
    const fence = fenceLsnOf(reads);
    const look = () => asMuster(ctx, to, "LookAtReplica", getReplicationState);
    const first = await look();
    if (fence === undefined) await ctx.clock.sleep(betweenLooksSeconds, ctx.signal);
    const state = fence === undefined ? await look() : first;
    const still = isLevel(first) && isLevel(state) && first.replayLsn === state.replayLsn;
    const hasAll = fence !== undefined && reached(state.replayLsn, fence);
    const arrived = !state.inRecovery || (fence === undefined ? still : hasAll);
    // It promotes only after replaying what it has; how much that is, and so the loss, is not known before.
    if (!arrived && !state.hearsWriter && fence === undefined && mode === "ungraceful") {
      return unknown(`${to.instance} has not replayed what it received: ${left(state)} are left`);
    }
    // Behind a fence, too, a forced move takes what was received: it may be applied late on purpose, by longer than is waited.
    if (!arrived && fence !== undefined && mode === "ungraceful" && reached(state.receiveLsn, fence)) {
      return unknown(
        `${to.instance} received everything up to the fence, and has not applied it: ${left(state)} are left, which it applies once it is promoted`,
      );
    }
    const [heartbeat, counts, lastWrite] = await Promise.all([
      asMuster(ctx, to, "ReadReplica", getHeartbeat),
      arrived ? countTables(ctx, to) : null,
      fence === undefined ? findLastWrite(ctx, service, from) : undefined,
    ]);
    // Somebody else may have promoted it before it had all: where that was, no server tells afterwards.
    const lost = fence === undefined ? lossSeconds(lastWrite, heartbeat) : hasAll ? 0 : undefined;
    return {
      inRecovery: state.inRecovery,
      receiveLsn: state.receiveLsn ?? null,
      replayLsn: state.replayLsn ?? null,
      timeline: state.timeline,
      hearsWriter: state.hearsWriter,
      still,
      heartbeatOnReplica: heartbeat ?? null,
      lossSeconds: lost ?? null,
      counts,
    };
  },

  missing(seen, { from, to }, reads) {
    if (!seen.inRecovery) return undefined;
    const fence = fenceLsnOf(reads);
    if (fence !== undefined) {
      if (reached(seen.replayLsn ?? undefined, fence)) return undefined;
      const heard = seen.hearsWriter ? "" : `, and it hears nothing from ${from.instance}`;
      return `${to.instance} has not replayed up to the fence yet${heard}`;
    }
    if (seen.hearsWriter) return `${to.instance} still receives from ${from.instance}, which is not fenced`;
    return seen.still ? undefined : `${to.instance} has not replayed everything it received yet`;
  },

  undo: { nothing: "it only waits" },

  patienceSeconds: ({ mode }) => waitsSeconds[mode],
  settleSeconds: 0,
  pollSeconds: 2,
  acceptsUnknown: ({ mode }) => mode === "ungraceful",
});

function fenceLsnOf(reads: Reads): string | undefined {
  const fence: Json | undefined = reads["fence-writes"];
  if (isUnknown(fence) || typeof fence !== "object" || fence === null || Array.isArray(fence)) return undefined;
  return typeof fence["fenceLsn"] === "string" ? fence["fenceLsn"] : undefined;
}

const reached = (lsn: string | undefined, fence: string): boolean =>
  lsn !== undefined && lsnBytes(lsn) >= lsnBytes(fence);

const isLevel = ({ receiveLsn, replayLsn }: ReplicationState): boolean =>
  replayLsn !== undefined && (receiveLsn === undefined || lsnBytes(replayLsn) >= lsnBytes(receiveLsn));

function left({ receiveLsn, replayLsn }: ReplicationState): string {
  if (!receiveLsn || !replayLsn) return "some bytes";
  return `${Math.ceil(Number(lsnBytes(receiveLsn) - lsnBytes(replayLsn)) / 1024)} kB`;
}
