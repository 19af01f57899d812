import { startRefence } from "../../jobs/propose/start-refence.ts";
import type { Context } from "../context.ts";
import { asApp } from "../adapters/postgres.ts";
import { explainAs } from "../facts/explain.ts";
import { notSeen, seen, whyUnseen, type Fact } from "../facts/fact.ts";
import { lookAtServer, type ServerFacts } from "../facts/lag.ts";
import type { DatabaseTarget } from "../steps/targets.ts";
import { tellOnlyWriter, tellShutOut } from "../outbox/notices.ts";
import { hasRejoined, takeNext } from "./rejoined.ts";
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
 * promotion of its replica was accepted, or the replica is seen to take writes in its stead.
 */
export function startOldSideWatch(ctx: Context): Watch {
  const lastAsked = new Map<string, Date>();
  return watch(ctx, { name: "old-side", everySeconds: lookSeconds }, (ctx) => watchOldSides(ctx, lastAsked));
}

/** Looks once for every old side that is not fenced, and starts a refence where one answers. When RDS was asked is noted. */
export async function watchOldSides(ctx: Context, lastAsked = new Map<string, Date>()): Promise<void> {
  await refreshUnfenced(ctx);
  const olds = await listUnfenced(ctx);
  const mayAsk = takeNext(
    lastAsked,
    olds.map(({ instance }) => instance),
    ctx.now(),
  );
  await Promise.all(olds.map((old) => lookForOne(ctx, old, mayAsk.has(old.instance))));
}

async function lookForOne(
  ctx: Context,
  { instance, run, since, refenceRun }: Unfenced,
  mayAskRds: boolean,
): Promise<void> {
  const found = await readRefenceInput(ctx, run, instance);
  if (!found) return;
  const { global, ...input } = found;
  const old = { run, service: input.service, instance };
  const fact = await lookAtTarget(ctx, input.from);
  // Silence is what is waited for to end, unless RDS tells what became of it; what answers with a refusal lives, and people
  // must hear of it.
  if ("unknown" in fact) {
    if (!fact.silent) return tellShutOut(ctx, old, fact.unknown);
    if (mayAskRds && global && (await hasRejoined(ctx, { ...input, global }))) await noteHarmless(ctx, instance);
    return;
  }
  const server = fact.seen;
  const newSide = await lookAtTarget(ctx, input.to);
  const promoted = seen(newSide);
  // A server that restarts after a crash may be in recovery for a moment, and promote itself: that proves nothing.
  if (!server.takesWrites) return followsNow(server, promoted, since) ? noteHarmless(ctx, instance) : undefined;
  // A promotion that was only asked for may have been refused. Where nobody else is seen to take writes, it stays open.
  if (!promoted?.takesWrites && !input.accepted)
    return tellOnlyWriter(ctx, old, whyUnseen(newSide) ?? `${input.to.instance} is in recovery`);
  const runId = await startRefence(ctx, input, refenceRun);
  await noteRefence(ctx, instance, runId);
}

/**
 * Whether an old writer is shown to follow the new one, which was looked at after it: it hears a writer, and has the newest
 * heartbeat of the new one, written since the old side was taken into the list. Pure.
 */
export function followsNow(old: ServerFacts, promoted: ServerFacts | undefined, since: Date): boolean {
  if (old.takesWrites || !old.hearsWriter || !promoted?.takesWrites || !old.beatAt || !promoted.beatAt) return false;
  const beat = new Date(promoted.beatAt);
  return beat > since && new Date(old.beatAt) >= beat;
}

function lookAtTarget(ctx: Context, target: DatabaseTarget): Fact<ServerFacts> | Promise<Fact<ServerFacts>> {
  const { instance, host, port, region, aurora, appRole } = target;
  try {
    const { database } = asApp({ host, port }, ctx.secret(appRole));
    return lookAtServer(ctx, { instance, host, port, database, ...(aurora ? { aurora: region } : {}) });
  } catch (error) {
    return notSeen(ctx, explainAs(instance)(error));
  }
}
