import { sql } from "kysely";
import type { Db } from "../db/connect.ts";
import type { MessagePayload } from "./sender.ts";
import { wakeOutbox } from "./wake.ts";

/** Says something in a run's thread and in its timeline. The key names it for ever: said twice, it stands there once. */
export async function tellRun(db: Db, run: string, { key, line }: { key: string; line: string }): Promise<void> {
  const payload: MessagePayload = { lines: [line], runId: run };
  await sql`
    with post as (
      insert into muster.outbox (thread, dedupe_key, payload)
      values (${`run:${run}`}, ${key}, ${JSON.stringify(payload)})
          on conflict (dedupe_key) do nothing
      returning seq)
    insert into muster.timeline (run, line) select ${run}, ${line} from post`.execute(db);
  wakeOutbox();
}
