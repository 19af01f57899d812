import type { Sql } from "../adapters/postgres.ts";
import { getKeptEntry, keepEntry, keepsJournal } from "../adapters/postgres-journal.ts";
import type { Context } from "../context.ts";
import { holdEverything, isInJournal, lookBack } from "../engine/set-back.ts";

/*
 * Users' databases are witnesses of how far Muster's journal reached. A server that starts on an older copy has seen nothing
 * itself; they have, but for the seconds since their last heartbeat.
 */

/** Sees that what a database keeps of the journal stands in it. A replica has what its writer was given. */
export async function hearWitness(ctx: Context, sql: Sql, instance: string): Promise<void> {
  if (!(await keepsJournal(sql))) return;
  if (ctx.highWater.installation === undefined) await lookBack(ctx);
  const { installation } = ctx.highWater;
  const kept = installation === undefined ? undefined : await getKeptEntry(sql, installation);
  if (!kept || (await isInJournal(ctx, kept))) return;
  // Whoever has seen more tells it better.
  await lookBack(ctx);
  await holdEverything(ctx, kept, `the database ${instance}`);
}

/** Leaves the newest entry of the journal in a database that takes writes. */
export async function tellWitness({ highWater }: Context, sql: Sql): Promise<void> {
  const { installation, position } = highWater;
  if (installation !== undefined && position && (await keepsJournal(sql))) await keepEntry(sql, installation, position);
}
