import { sql } from "kysely";
import { probe } from "../adapters/probe.ts";
import type { Context } from "../context.ts";
import { watch, type Watch } from "./turn.ts";

/** How often each service's health address is asked, in seconds. */
export const probeSeconds = 10;
/** How long probes are kept: longer than anybody waits with a report. */
const keepDays = 14;

/** Starts asking every service's health address as customers reach it, so that impact and recovery are seen, not assumed. */
export function startProber(ctx: Context, { everySeconds = probeSeconds } = {}): Watch {
  return watch(ctx, { name: "prober", everySeconds }, (ctx, signal) => probeServices(ctx, signal));
}

/** Asks every service once, and writes down what came of it. */
export async function probeServices(ctx: Context, signal?: AbortSignal): Promise<void> {
  const services = Object.entries(ctx.estate.services);
  await Promise.all(services.map(([name, { health }]) => probeOnce(ctx, name, health, signal)));
  await sql`
    delete from muster.probe where at < (select muster.now() - make_interval(days => ${keepDays}))
      and service = any (${services.map(([name]) => name)}::text[])`.execute(ctx.db);
}

async function probeOnce(
  ctx: Context,
  service: string,
  { url, limitMs }: { url: string; limitMs: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  const startedAt = ctx.now();
  const { ok, tookMs, why = null } = await probe(ctx, ctx.clients.web, { url, limitMs }, { signal });
  // Never in our favour: an outage counts from when it was asked, a recovery from when it was answered.
  const at = ok ? ctx.now() : startedAt;
  await sql`
    insert into muster.probe (service, via, ok, took_ms, why, at)
    values (${service}, 'public', ${ok}, ${tookMs}, ${why}, ${at})`.execute(ctx.db);
}
