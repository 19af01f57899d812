import { countRows, mayBeCut, mostTables, type TableCount, type TableCounts } from "../adapters/postgres-counts.ts";
import type { StepContext } from "../engine/step.ts";
import { messageOf } from "../errors.ts";
import { asMuster } from "./database.ts";
import type { DatabaseTarget } from "./targets.ts";

/** The part of a call's time that counting may take; the rest is for the way there and back. */
export const countingShare = 0.4;

/**
 * Counts the rows of a database, in a call of its own. Null where they could not be counted: that is no reason to think
 * ill of the server, nor to hold up a move.
 */
export async function countTables(ctx: StepContext, target: DatabaseTarget): Promise<TableCounts | null> {
  try {
    return await asMuster(ctx, target, "CountRows", (sql) => countRows(sql, ctx.callTimeoutMs * countingShare));
  } catch (error) {
    ctx.signal.throwIfAborted();
    ctx.log.warn({ instance: target.instance, error: messageOf(error) }, "rows were not counted");
    return null;
  }
}

/**
 * Says which table holds less than before. Rows may go again once the application works, so where a table has a rising key
 * its top is what must be there.
 */
export function shortTable(counts: TableCounts, before: TableCounts): string | undefined {
  for (const [table, was] of Object.entries(before)) {
    const now = counts[table];
    if (!now && mayBeCut(counts)) continue;
    if (!now) return `the table ${table} is not there`;
    if (was.maxId !== undefined && (now.maxId !== undefined || now.exact)) {
      if (now.maxId === undefined || BigInt(now.maxId) < BigInt(was.maxId)) {
        return `${table} ends at ${now.maxId ?? "nothing"}, and went up to ${was.maxId} before`;
      }
    } else if (was.exact && now.exact && (now.rows ?? 0) < (was.rows ?? 0)) {
      return `${table} has ${now.rows} rows, and had ${was.rows} before`;
    }
  }
  return undefined;
}

/** Says what of a database was not compared with what it held before, and why; null where all was. Pure. */
export function notCompared(counts: TableCounts | null, before: TableCounts | null, instance: string): string | null {
  if (!before) return `no rows of ${instance} were compared: nobody could count them before the promotion`;
  if (!counts) return `no rows of ${instance} were compared: they could not be counted`;
  if (Object.keys(before).length === 0) return `no rows of ${instance} were compared: no table was found before`;
  const tables = Object.entries(before).flatMap(([table, was]) => (comparable(counts[table], was) ? [] : [table]));
  const left = `the rows of ${tables.join(", ")} at ${instance} were not compared: they take too long to count, or Muster's role may not see them all`;
  return (
    [
      ...(tables.length > 0 ? [left] : []),
      ...(mayBeCut(before) ? [`only the ${mostTables} largest tables of ${instance} were compared`] : []),
    ].join("; ") || null
  );
}

const comparable = (now: TableCount | undefined, was: TableCount): boolean =>
  now !== undefined &&
  ((was.maxId !== undefined && (now.maxId !== undefined || now.exact)) || (was.exact && now.exact));

/** Rows of the old writer when its fence stood, and of the replica when it had everything; null where nobody counted. */
export type CountsBefore = { atFence: TableCounts | null; caughtUp: TableCounts | null };

/**
 * Says which table of the replica held less, with everything applied, than the old writer behind its fence: two counts
 * between which no application could write. Undefined also where one of them was not taken. Pure.
 */
export const lackedTable = ({ atFence, caughtUp }: CountsBefore): string | undefined =>
  atFence && caughtUp ? shortTable(caughtUp, atFence) : undefined;

/**
 * Says what of a new writer's rows nobody vouches for; null where that is nothing. What was compared before its promotion
 * was compared well. Of other tables a new count tells something, but the application works again, and takes rows away. Pure.
 */
export function doubts(live: TableCounts | null, before: CountsBefore, instance: string): string | null {
  const { atFence, caughtUp } = before;
  const was = atFence ?? caughtUp;
  const proven = Object.entries(caughtUp ?? {}).filter(([table, now]) => {
    const then = atFence?.[table];
    return then && comparable(now, then);
  });
  const counts = { ...live, ...Object.fromEntries(proven) };
  const left = notCompared(live || proven.length > 0 ? counts : null, was, instance);
  const short = live && was && shortTable(counts, was);
  const since =
    short && `since the application may write at ${instance}, ${short}: it took rows away, or they are lost`;
  return [left, since].filter((doubt) => doubt).join("; ") || null;
}

/**
 * Counts by table the rows that stand here and did not before; null where nothing tells. Rows that were deleted are made up
 * for by the way of the highest key, which may be too many, never too few.
 */
export function rowsBeyond(counts: TableCounts, before: TableCounts): Record<string, number | null> {
  return Object.fromEntries(Object.entries(counts).map(([table, now]) => [table, more(now, before[table])]));
}

/** Whether rows that were counted by table are those of every table: of none, or of the most there may be, nobody knows. Pure. */
export const isWhole = (rows: Record<string, number | null>): boolean =>
  Object.keys(rows).length > 0 && !mayBeCut(rows) && !Object.values(rows).includes(null);

function more(now: TableCount, was: TableCount | undefined): number | null {
  if (!was) return null;
  const rows = now.exact && was.exact ? [(now.rows ?? 0) - (was.rows ?? 0)] : [];
  const keys =
    now.maxId !== undefined && was.maxId !== undefined ? [Number(BigInt(now.maxId) - BigInt(was.maxId))] : [];
  return rows.length + keys.length === 0 ? null : Math.max(0, ...rows, ...keys);
}
