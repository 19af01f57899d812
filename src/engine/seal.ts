import { sql } from "kysely";
import { call } from "../call.ts";
import type { Journal } from "./journal.ts";
import type { EngineContext } from "./lease.ts";
import { hashPlan } from "./plan.ts";
import type { Json } from "./step.ts";

/** Says why a run's plan must not be run: it is not the one that its journal says was proposed. Undefined when it is. */
export async function brokenSeal(ctx: EngineContext, journal: Journal): Promise<string | undefined> {
  const { run } = journal;
  const { rows } = await call(ctx, "db.read-facts", () =>
    sql<{ facts: Json }>`select facts from muster.run where id = ${run.id}`.execute(ctx.db),
  );
  const [row] = rows;
  if (row && hashPlan(run.plan, row.facts) === journal.view().planHash) return undefined;
  return "the plan in the database is not the one that people were shown";
}
