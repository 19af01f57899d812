import { sql } from "kysely";
import type { Db } from "../db/connect.ts";
import type { MessagePayload } from "./sender.ts";
import { wakeOutbox } from "./wake.ts";

/**
 * Says something in a run's thread and in its timeline. The key names it for ever: said twice, it stands there once. A card
 * that was never shown is shown for it: see `parkTooOld`.
 */
export async function tellRun(db: Db, run: string, { key, line }: { key: string; line: string }): Promise<void> {
  const payload: MessagePayload = { lines: [line], runId: run };
  await sql`
    with post as (
      insert into muster.outbox (thread, dedupe_key, payload)
      values (${`run:${run}`}, ${key}, ${JSON.stringify(payload)})
          on conflict (dedupe_key) do nothing
      returning seq),
    shown as (
      update muster.card set wanted_version = wanted_version + 1
       where run = ${run} and remote_ref is null and exists (select from post))
    insert into muster.timeline (run, line) select ${run}, ${line} from post`.execute(db);
  wakeOutbox();
}
