import type { Sql } from "./postgres.ts";

/** An entry of Muster's own journal, as a database it looks after keeps it. */
export type KeptEntry = { seq: number; at: Date };

/** Whether there is a place for it: not without the guard schema, nor in one that an older Muster's guard.sql made. */
export async function keepsJournal(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ there: boolean }>("select to_regclass('muster_guard.journal') is not null as there");
  return row?.there ?? false;
}

/** Reads the newest entry that a Muster, by its name, has left here; undefined where it left none. */
export async function getKeptEntry(sql: Sql, muster: string): Promise<KeptEntry | undefined> {
  const [row] = await sql.query<{ seq: string; at: Date }>(
    "select seq::text as seq, at from muster_guard.journal where muster = $1",
    [muster],
  );
  return row && { seq: Number(row.seq), at: row.at };
}

/** Leaves an entry here in place of the one before. */
export async function keepEntry(sql: Sql, muster: string, { seq, at }: KeptEntry): Promise<void> {
  await sql.query(
    `insert into muster_guard.journal (muster, seq, at) values ($1, $2, $3)
     on conflict (muster) do update set seq = excluded.seq, at = excluded.at`,
    [muster, seq, at],
  );
}
