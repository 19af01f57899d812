import { sql } from "kysely";
import type { Incident } from "../adapters/statuspage.ts";
import type { Context } from "../context.ts";
import type { Other } from "./components.ts";
import { noteOf } from "./note.ts";

/** Another open incident, as far as it says itself. Pure. */
export const otherOf = (incident: Incident): Other => ({
  names: incident.components,
  changed: noteOf(incident)?.changed ?? {},
});

/**
 * The other open incidents as a run finds them that sets its components back. A run of ours that is over, and of which nothing
 * is to be told any more, left its incident open on purpose. It leaves a component to this run where every service of its own
 * that the component stands for has been moved by this one; of another service nobody saw that customers have it again.
 */
export async function withOver(ctx: Context, run: string, others: readonly Incident[]): Promise<Other[]> {
  const runs = others.flatMap((incident) => noteOf(incident)?.run ?? []);
  if (runs.length === 0) return others.map(otherOf);
  const { rows } = await sql<{ id: string; services: string[]; over: boolean }>`
    select id, array(select jsonb_array_elements_text(plan -> 'locks')) as services,
           ended_at is not null and not exists (
             select from muster.outbox
              where thread = 'statuspage:' || run.id and state in ('waiting', 'sending')) as over
      from muster.run where id = any(${[run, ...runs]}::text[])`.execute(ctx.db);
  const moved = rows.find(({ id }) => id === run)?.services ?? [];
  return others.map((incident) => {
    const other = otherOf(incident);
    const theirs = rows.find(({ id }) => id === noteOf(incident)?.run);
    if (!theirs?.over) return other;
    const isLeft = (id: string) => theirs.services.every((name) => moved.includes(name) || !standsFor(ctx, id, name));
    return { ...other, over: { run: theirs.id, leaves: Object.keys(other.changed).filter(isLeft) } };
  });
}

const standsFor = ({ estate }: Context, component: string, service: string): boolean =>
  estate.services[service]?.statusComponents.includes(component) ?? false;
