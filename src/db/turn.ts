import { sql } from "kysely";
import type { Db } from "./connect.ts";

/** A duty that one process has at a time, and which one. */
type Turn = { duty: string; holder: string };

/** Takes a duty for so many wall seconds, or keeps it for so many more; false while another process has it. */
export async function holdTurn(db: Db, { duty, holder }: Turn, seconds: number): Promise<boolean> {
  const { rows } = await sql`
    insert into muster.turn as held (duty, holder, until)
    values (${duty}, ${holder}, clock_timestamp() + make_interval(secs => ${seconds}))
    on conflict (duty) do update set holder = excluded.holder, until = excluded.until
      where held.holder = excluded.holder or held.until < clock_timestamp()
    returning duty`.execute(db);
  return rows.length > 0;
}

/** Gives a duty up, where it is still one's own. */
export async function giveUpTurn(db: Db, { duty, holder }: Turn): Promise<void> {
  await sql`delete from muster.turn where duty = ${duty} and holder = ${holder}`.execute(db);
}
