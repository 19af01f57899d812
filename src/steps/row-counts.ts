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

/** Says which table holds less than before. Pure. */
export function shortTable(counts: TableCounts, before: TableCounts): string | undefined {
  return shortTables(counts, before)[0]?.why;
}

/**
 * Lists the tables that hold less than before, with a sentence each. Rows may go again once the application works, so where
 * a table has a rising key its top is what must be there. Pure.
 */
function shortTables(counts: TableCounts, before: TableCounts): { table: string; why: string }[] {
  return Object.entries(before).flatMap(([table, was]) => {
    const now = counts[table];
    const why = now || !mayBeCut(counts) ? whyShort(table, now, was) : undefined;
    return why === undefined ? [] : [{ table, why }];
  });
}

function whyShort(table: string, now: TableCount | undefined, was: TableCount): string | undefined {
  if (!now) return `the table ${table} is not there`;
  if (was.maxId !== undefined && (now.maxId !== undefined || now.exact)) {
    return now.maxId === undefined || BigInt(now.maxId) < BigInt(was.maxId)
      ? `${table} ends at ${now.maxId ?? "nothing"}, and went up to ${was.maxId} before`
      : undefined;
  }
  return was.exact && now.exact && (now.rows ?? 0) < (was.rows ?? 0)
    ? `${table} has ${now.rows} rows, and had ${was.rows} before`
    : undefined;
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
 * Says which table of the replica held less, once it had caught up, than the old writer behind its fence, and holds less to
 * this day. The first two alone prove nothing: a fence holds the application, and whoever else writes (pg_cron, an
 * administrator) may have done so before the old writer was counted and after the position that was waited for. Undefined
 * also where nobody counted. Pure.
 */
export const lackedTable = (live: TableCounts | null, before: CountsBefore): string | undefined =>
  lackedThen(before).find(({ table }) => !hasCaughtUp(table, live, before))?.why;

const lackedThen = ({ atFence, caughtUp }: CountsBefore) => (atFence && caughtUp ? shortTables(caughtUp, atFence) : []);

function hasCaughtUp(table: string, live: TableCounts | null, { atFence }: CountsBefore): boolean {
  const [now, was] = [live?.[table], atFence?.[table]];
  return now !== undefined && was !== undefined && comparable(now, was) && whyShort(table, now, was) === undefined;
}

/**
 * Says what of a new writer's rows nobody vouches for; null where that is nothing. What was compared before its promotion
 * was compared well. Of other tables a new count tells something, but the application works again, and takes rows away. Pure.
 */
export function doubts(live: TableCounts | null, before: CountsBefore, instance: string): string | null {
  const { atFence, caughtUp } = before;
  const was = atFence ?? caughtUp;
  const lacked = lackedThen(before).map(({ table }) => table);
  const proven = Object.entries(caughtUp ?? {}).filter(([table, now]) => {
    const then = atFence?.[table];
    return then && comparable(now, then) && !lacked.includes(table);
  });
  const counts = { ...live, ...Object.fromEntries(proven) };
  const left = notCompared(live || proven.length > 0 ? counts : null, was, instance);
  const short = live && was && shortTable(counts, was);
  const since =
    short && `since the application may write at ${instance}, ${short}: it took rows away, or they are lost`;
  const late = lacked.filter((table) => hasCaughtUp(table, live, before)).join(", ");
  const came =
    late &&
    `${late} had fewer rows when ${instance} had caught up than behind the fence, and no fewer now: somebody else than the application wrote meanwhile`;
  return [left, since, came].filter((doubt) => doubt).join("; ") || null;
}

/**
 * Counts by table the rows that stand here and did not before; null where nothing tells. Where both counts are exact, rows
 * tell, because keys need not be gapless: they may be borrowed from another table, or made of the time. A higher key with no
 * more rows leaves it open how many were taken away and came. Where rows were not counted the way of the highest key stands
 * in, which may be too many. Pure.
 */
export function rowsBeyond(counts: TableCounts, before: TableCounts): Record<string, number | null> {
  return Object.fromEntries(Object.entries(counts).map(([table, now]) => [table, more(now, before[table])]));
}

/** Whether rows that were counted by table are those of every table: of none, or of the most there may be, nobody knows. Pure. */
export const isWhole = (rows: Record<string, number | null>): boolean =>
  Object.keys(rows).length > 0 && !mayBeCut(rows) && !Object.values(rows).includes(null);

function more(now: TableCount, was: TableCount | undefined): number | null {
  if (!was) return null;
  const byKey =
    now.maxId !== undefined && was.maxId !== undefined
      ? Math.max(0, Number(BigInt(now.maxId) - BigInt(was.maxId)))
      : undefined;
  if (!now.exact || !was.exact) return byKey ?? null;
  const rows = Math.max(0, (now.rows ?? 0) - (was.rows ?? 0));
  return rows === 0 && byKey ? null : rows;
}
