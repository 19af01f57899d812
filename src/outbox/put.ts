import { sql } from "kysely";
import type { Db } from "../db/connect.ts";
import type { Message } from "./sender.ts";

/**
 * Puts a message into the outbox, in the caller's transaction. The key names it for ever: put twice, it goes out once.
 * Call `wakeOutbox` after the commit.
 */
export async function putOut(db: Db, { thread, dedupeKey, payload }: Message): Promise<void> {
  await sql`
    insert into muster.outbox (thread, dedupe_key, payload)
    values (${thread}, ${dedupeKey}, ${JSON.stringify(payload)})
        on conflict (dedupe_key) do nothing`.execute(db);
}
