import { sql } from "kysely";
import {
  createIncident,
  getIncident,
  type Incident,
  listComponents,
  listOpenIncidents,
  type StatusPage,
  updateIncident,
} from "../adapters/statuspage.ts";
import { PageFailed } from "../adapters/statuspage-trouble.ts";
import type { Context } from "../context.ts";
import { toRestore, toSet } from "./components.ts";
import { type Note, noteOf } from "./note.ts";
import { otherOf, withOver } from "./others.ts";
import { putOffTurns } from "./turns.ts";
import type { StatusUpdate } from "./update.ts";

/** Seconds until a look at the page is trusted to show what was done before it. */
const settleSeconds = 5;

const closed = ["resolved", "postmortem"];

/** One update of one run, by the key of its message. */
export type Update = StatusUpdate & { run: string; key: string };

export type Told =
  | { incident: Incident; note: Note }
  /** There is nothing to say it in: no incident was opened, or somebody closed it, deleted it, or took Muster's note out of it. */
  | { over: "never opened" | "closed" | "deleted" | "made another" };

/**
 * Has the incident of a run say an update, exactly once: looks for the incident first, and for the update in it, so that it
 * can be called again when nobody knows what became of the last call. Opens the incident where there is none yet. What it sees
 * of other runs must stay so until it is through: call it inside `changing`.
 * @throws PageFailed
 */
export async function tellPage(ctx: Context, page: StatusPage, update: Update): Promise<Told> {
  const open = await listOpenIncidents(ctx, page);
  const found =
    open.find((incident) => noteOf(incident)?.run === update.run) ?? (await findClosed(ctx, page, update.run));
  if (found === "deleted") return { over: "deleted" };
  if (!found) return update.status === "resolved" ? { over: "never opened" } : openIncident(ctx, page, open, update);
  const note = noteOf(found);
  if (note?.run !== update.run) return { over: "made another" };
  if (note.newest === update.key) return { incident: found, note };
  if (closed.includes(found.status)) return { over: "closed" };
  const others = open.filter((incident) => incident !== found);
  return addTo(ctx, page, { found, note, others, update });
}

/** An incident that is not among the open ones: the outbox knows where earlier messages of the run went. */
async function findClosed(ctx: Context, page: StatusPage, run: string): Promise<Incident | "deleted" | undefined> {
  const { rows } = await sql<{ id: string }>`
    select remote_ref as id from muster.outbox
     where thread = ${`statuspage:${run}`} and remote_ref is not null order by seq limit 1`.execute(ctx.db);
  const [known] = rows;
  if (!known) return undefined;
  const look = () => getIncident(ctx, page, known.id).catch(orNothing);
  const found = await look();
  if (found) return found;
  // One that was opened a moment ago may not be seen yet.
  await settle(ctx);
  return (await look()) ?? "deleted";
}

function orNothing(error: unknown): undefined {
  if (error instanceof PageFailed && error.trouble.kind === "refused" && error.trouble.status === 404) return undefined;
  throw error;
}

/** Waits until a look surely shows what was done before. */
export const settle = (ctx: Context): Promise<void> => ctx.activity.resting(() => ctx.clock.sleep(settleSeconds));

/** Makes a change that other runs look at, and has all of them wait until a look surely shows it. */
async function seenByAll<T>(ctx: Context, { page }: StatusPage, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } finally {
    await putOffTurns(ctx, page, settleSeconds);
  }
}

/** Two runs may meet on one component: the notes in the open incidents tell what it was before the first of them. */
async function openIncident(ctx: Context, page: StatusPage, open: readonly Incident[], update: Update): Promise<Told> {
  const { run, key, name, status, body } = update;
  const { changed, named, left } = toSet(update.components, await listComponents(ctx, page), open.map(otherOf));
  const note: Note = { run, opened: key, newest: key, changed, left };
  const components = Object.fromEntries(Object.entries(changed).map(([id, { to }]) => [id, to]));
  const metadata = { muster: note };
  const incident = await seenByAll(ctx, page, () =>
    createIncident(ctx, page, { name, naming: named, status, body, components, metadata }),
  );
  return { incident, note };
}

type Adding = { found: Incident; note: Note; others: readonly Incident[]; update: Update };

async function addTo(ctx: Context, page: StatusPage, { found, note: before, others, update }: Adding): Promise<Told> {
  const { status, body, key } = update;
  const { restored, left } =
    status === "resolved"
      ? toRestore(before.changed, await listComponents(ctx, page), await withOver(ctx, before.run, others))
      : { restored: {}, left: [] };
  const note: Note = { ...before, newest: key, left };
  // What others keep in the metadata stays there.
  const metadata = { ...found.metadata, muster: note };
  const tell = () => updateIncident(ctx, page, { id: found.id, status, body, components: restored, metadata });
  const incident = await (status === "resolved" ? seenByAll(ctx, page, tell) : tell());
  return { incident, note };
}
