import { call } from "../../src/call.ts";
import type { Place } from "../../src/chat.ts";
import type { Context } from "../../src/context.ts";
import { hashPlan } from "../../src/engine/plan.ts";
import { sql } from "kysely";
import { inSpan } from "../../src/trace.ts";
import { insertRun } from "./insert-run.ts";
import { refence, type RefenceInput } from "../refence.ts";
import { runIdOf } from "./run-id.ts";

/**
 * Starts the run that fences an old writer which answers again: approved with its parent's plan, told where its parent is
 * told. Asked twice for the same parent it starts one; `former` is the refence that ended without a fence.
 */
export async function startRefence(ctx: Context, input: RefenceInput, former: string | null): Promise<string> {
  const { rows } = await sql<{ place: Place; channel: string | null }>`
    select run.place, card.channel from muster.run left join muster.card on card.run = run.id
     where run.id = ${input.parent}`.execute(ctx.db);
  const place: Place = rows[0]?.place ?? { kind: "terminal" };
  const channel = rows[0]?.channel ?? ctx.estate.channels.incidents;
  const id = runIdOf("rf", `${input.parent} ${input.from.instance} ${former ?? "first"}`);
  const plan = refence.plan(ctx.estate, input, {});
  const run = { id, job: refence.name, plan, facts: {}, planHash: hashPlan(plan, {}), by: "muster", place, channel };
  const reason = `${input.from.instance} answers again and was not fenced by run ${input.parent}`;
  const attributes = { "muster.run": id, "muster.parent": input.parent };
  await inSpan("start refence", { attributes, redact: ctx.redact }, () =>
    call(ctx, "db.propose", () =>
      insertRun(ctx.db, { ...run, reason, parent: input.parent, engineVersion: ctx.engineVersion }),
    ),
  );
  await ctx.ring(id);
  return id;
}
