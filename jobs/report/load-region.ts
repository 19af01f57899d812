import { sql } from "kysely";
import type { Context } from "../../src/context.ts";
import { UserError } from "../../src/errors.ts";
import { loadJournal } from "../../src/engine/journal.ts";
import { fold } from "../../src/engine/fold.ts";
import type { Plan } from "../../src/engine/plan.ts";
import type { RegionFacts } from "../../src/facts/region.ts";
import { reportOfService } from "./load.ts";
import { outOfPlan, staysOut } from "../preview/region-left.ts";
import { wavesIn } from "../preview/region.ts";
import type { RegionReport } from "./region.ts";

/** Makes the report of a region's move, over or under way. @throws UserError when the run is none. */
export async function loadRegionReport(ctx: Pick<Context, "db">, runId: string): Promise<RegionReport> {
  const loaded = await loadJournal(ctx.db, runId);
  if (loaded?.run.job !== "failover-region") {
    throw new UserError({
      happened: `There is no move of a region ${runId}.`,
      means: "Nothing was changed.",
      todo: "Type /muster runs for the list.",
    });
  }
  const { rows } = await sql<{ facts: RegionFacts }>`select facts from muster.run where id = ${runId}`.execute(ctx.db);
  const facts = rows[0]?.facts as RegionFacts;
  const waves = wavesIn(loaded.run.plan);
  const { turnedBack } = fold(loaded.run.plan, loaded.events);
  const ofRun = loaded.events.filter((event) => !("step" in event));
  const nodesOf = Map.groupBy(loaded.run.plan.nodes, ({ service }) => service);
  const eventsOf = Map.groupBy(loaded.events, (event) => ("step" in event ? (event.step.split("/")[0] ?? "") : ""));
  const services = [];
  for (const [index, wave] of waves.entries()) {
    for (const service of wave) {
      const own = facts.services[service];
      if (!own) continue;
      const plan = { ...loaded.run.plan, nodes: nodesOf.get(service) ?? [] };
      // In the order in which they were written: some of a run's own events leave their mark on the steps before them.
      const events = [...ofRun, ...(eventsOf.get(service) ?? [])].toSorted((left, right) => left.seq - right.seq);
      const alone = { run: { ...loaded.run, plan }, events };
      services.push({
        service,
        wave: index + 1,
        report: await reportOfService(ctx, alone, service, own),
        turnedBack: turnedBack?.services.has(service) ?? false,
      });
    }
  }
  const left = loaded.run.plan.left ?? leftBefore(loaded.run.plan, facts);
  return { runId, title: loaded.run.title, services, left };
}

/** Whom a plan left out that does not say so itself, because an older Muster made it or because it left out nobody. */
function leftBefore({ locks }: Plan, facts: RegionFacts): NonNullable<Plan["left"]> {
  const out = outOfPlan(facts);
  const known = new Set([...locks, ...out.map(({ service }) => service)]);
  const blocked = Object.keys(facts.services).filter((service) => !known.has(service));
  return [
    ...staysOut(out),
    ...blocked.map((service) => ({ service, because: "it could not be moved as things were" })),
  ];
}
