import { sql } from "kysely";
import type { Context } from "../context.ts";
import { messageOf } from "../errors.ts";
import { currentTrace, inSpan } from "../trace.ts";
import type { Delivery } from "./delivery.ts";
import { wakeInbox } from "./wake.ts";

/** What can be said of a delivery at the end of the time Slack gives us. */
export type Receipt =
  | "recorded"
  /** It was there before: Slack delivers at least once. */
  | "known"
  /** It is not there, and will not be. */
  | "not recorded"
  /** The commit was under way when time ran out. */
  | "unknown";

/** Wall milliseconds for the insert; Slack gives three seconds for insert and answer together. */
const insertMs = 2000;
/** Wall milliseconds more for a commit that is under way. */
const commitMs = 500;

class TooLate extends Error {}

/**
 * Records a delivery under Slack's own name for it, once. Answers in time whatever the database does, and "not recorded"
 * is a promise: an insert that comes through late is rolled back.
 */
export function receive(
  ctx: Pick<Context, "db" | "doorDb" | "log" | "point" | "redact">,
  deliveryKey: string,
  delivery: Delivery,
): Promise<Receipt> {
  return inSpan(`receive ${delivery.kind}`, { parent: null, kind: "in", redact: ctx.redact }, () => {
    const trace = currentTrace();
    const typed = delivery.kind === "command" ? { text: ctx.redact(delivery.text) } : {};
    // Somebody who pastes a token is told that it is no command; it stands nowhere.
    return record(ctx, deliveryKey, { ...delivery, ...typed, ...(trace === undefined ? {} : { trace }) });
  });
}

async function record(
  ctx: Pick<Context, "db" | "doorDb" | "log" | "point">,
  deliveryKey: string,
  delivery: Delivery,
): Promise<Receipt> {
  const deadline = performance.now() + insertMs;
  let committing = false;
  const insert = (ctx.doorDb ?? ctx.db).transaction().execute(async (db) => {
    const { numAffectedRows } = await sql`
      insert into muster.inbox (source, delivery_key, body) values ('slack', ${deliveryKey}, ${JSON.stringify(delivery)})
          on conflict (delivery_key) do nothing`.execute(db);
    if (performance.now() > deadline) throw new TooLate("the insert came through too late");
    committing = true;
    return numAffectedRows ? ("recorded" as const) : ("known" as const);
  });
  const settled = insert.then(
    (receipt): Receipt => receipt,
    (error: unknown): Receipt => {
      ctx.log.warn({ deliveryKey, error: messageOf(error) }, "a delivery was not recorded");
      return committing ? "unknown" : "not recorded";
    },
  );
  const receipt =
    (await within(insertMs, settled)) ??
    (committing ? ((await within(commitMs, settled)) ?? "unknown") : "not recorded");
  if (receipt === "recorded") {
    await ctx.point("inbox recorded");
    wakeInbox();
  }
  return receipt;
}

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, milliseconds, undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
