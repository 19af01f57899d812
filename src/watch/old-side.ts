import { startRefence } from "../../jobs/start-refence.ts";
import type { Context } from "../context.ts";
import { asApp } from "../adapters/postgres.ts";
import { seen } from "../facts/fact.ts";
import { lookAtServer } from "../facts/lag.ts";
import type { DatabaseTarget } from "../steps/targets.ts";
import { watch, type Watch } from "./turn.ts";
import {
  listUnfenced,
  noteHarmless,
  noteRefence,
  readRefenceInput,
  refreshUnfenced,
  type Unfenced,
} from "./unfenced.ts";

/** How often an old side that could not be fenced is looked for, in seconds. */
const lookSeconds = 10;

/**
 * Starts looking for old writers that could not be fenced; one that answers is fenced at once, as was approved, where the
 * replica that was promoted takes writes in its stead.
 */
export function startOldSideWatch(ctx: Context, { everySeconds = lookSeconds } = {}): Watch {
  return watch(ctx, { name: "old-side", everySeconds }, (ctx) => watchOldSides(ctx));
}

/** Looks once for every old side that is not fenced, and starts a refence where one answers. */
export async function watchOldSides(ctx: Context): Promise<void> {
  await refreshUnfenced(ctx);
  await Promise.all((await listUnfenced(ctx)).map((old) => lookForOne(ctx, old)));
}

async function lookForOne(ctx: Context, { instance, run, refenceRun }: Unfenced): Promise<void> {
  const input = await readRefenceInput(ctx, run, instance);
  if (!input) return;
  const server = seen(await lookAtTarget(ctx, input.from));
  if (!server) return;
  // Somebody made a replica of it: it takes no writes of its own any more.
  if (!server.takesWrites) return noteHarmless(ctx, instance);
  // A promotion that was only asked for may have been refused. Where nobody else is seen to take writes, it stays open.
  if (!seen(await lookAtTarget(ctx, input.to))?.takesWrites) return;
  const runId = await startRefence(ctx, input, refenceRun);
  await noteRefence(ctx, instance, runId);
}

function lookAtTarget(ctx: Context, { instance, host, port, region, aurora, appRole }: DatabaseTarget) {
  const { database } = asApp({ host, port }, ctx.secret(appRole));
  return lookAtServer(ctx, { instance, host, port, database, ...(aurora ? { aurora: region } : {}) });
}
