import { isWhole } from "./row-counts.ts";

/** What the old writer holds that the new one does not. Null where nothing tells. */
export type Divergence = {
  /** Log written beyond what the new writer started from. */
  bytes: number | null;
  /** By table, rows beyond what the new writer started from: lost in the failover, or written after it. */
  rows: Record<string, number | null> | null;
  /** By table, rows stamped after the promotion; only tables that stamp their rows. */
  rowsAfterPromotion: Record<string, number | null> | null;
};

/** Rows that stand at an old writer alone; `whole` where no table was left out, and no more can stand there. */
export type Stranded = { rows: number; late: number; whole: boolean };

/** Sums up the rows that stand at an old writer alone. Those that tell by their stamp do so where nothing else was counted, too. Pure. */
export function sumUp({ rows, rowsAfterPromotion }: Omit<Divergence, "bytes">): Stranded {
  const late = rowsAfterPromotion ?? {};
  const tables = new Set([...Object.keys(rows ?? {}), ...Object.keys(late)]);
  return {
    rows: total([...tables].map((table) => Math.max(rows?.[table] ?? 0, late[table] ?? 0))),
    late: total(Object.values(late)),
    whole: rows !== null && isWhole(rows),
  };
}

/** Says how many rows stand at an old writer alone, as far as they could be counted. Pure. */
export function sayDivergence(divergence: Divergence | null, name: string): string {
  const { rows, late, whole } = sumUp(divergence ?? { rows: null, rowsAfterPromotion: null });
  if (rows > 0) {
    const after = late > 0 ? `, ${late} of them written after the promotion` : "";
    return `${whole ? "" : "At least "}${rows} ${rows === 1 ? "row stands" : "rows stand"} at ${name} alone${after}; what it has is kept there until somebody decides.`;
  }
  if (!whole)
    return `Whether rows stand at ${name} alone is not known: a table could not be counted, or has a higher key and no more rows. They would be kept there.`;
  if (divergence?.bytes === 0) return `No row stands at ${name} alone.`;
  return `No new row stands at ${name} alone; whether rows were changed or deleted there cannot be told. What it has is kept there.`;
}

const total = (counts: readonly (number | null)[]): number =>
  counts.reduce<number>((sum, count) => sum + (count ?? 0), 0);
