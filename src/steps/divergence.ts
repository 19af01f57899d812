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

/** Sums up the rows that stand at an old writer alone. Pure. */
export function sumUp({ rows, rowsAfterPromotion }: Omit<Divergence, "bytes">): Stranded {
  return { rows: total(rows ?? {}), late: total(rowsAfterPromotion ?? {}), whole: rows !== null && isWhole(rows) };
}

/** Says how many rows stand at an old writer alone, as far as they could be counted. Pure. */
export function sayDivergence(divergence: Divergence | null, name: string): string {
  const { rows, late, whole } = sumUp(divergence ?? { rows: null, rowsAfterPromotion: null });
  if (rows === 0)
    return whole
      ? `No row stands at ${name} alone.`
      : `Whether rows stand at ${name} alone is not known: not every table could be counted. They would be kept there.`;
  const after = late > 0 ? `, ${late} of them written after the promotion` : "";
  return `${whole ? "" : "At least "}${rows} ${rows === 1 ? "row stands" : "rows stand"} at ${name} alone${after}; what it has is kept there until somebody decides.`;
}

const total = (rows: Record<string, number | null>): number =>
  Object.values(rows).reduce<number>((sum, count) => sum + (count ?? 0), 0);
