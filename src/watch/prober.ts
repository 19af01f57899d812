import { sql } from "kysely";
import { probe } from "../adapters/probe.ts";
import type { Context } from "../context.ts";
import { Slots } from "../engine/slots.ts";
import { watch, type Watch } from "./turn.ts";

/** How often each service's health address is asked, in seconds. */
const probeSeconds = 10;
/** The same while a run has a service in its hands and customers are not served: its recovery is seen no later than this. */
const closeSeconds = 2;
/** So many are asked that closely; where more are away, which is first matters to nobody. */
const mostClosely = 50;

/** Starts asking every service's health address as customers reach it, so that impact and recovery are seen, not assumed. */
export function startProber(ctx: Context): Watch {
  return watch(ctx, { name: "prober", everySeconds: probeSeconds }, async (ctx, signal) => {
    const nextTurn = ctx.now().getTime() + probeSeconds * 1000;
    await probeServices(ctx, signal);
    for (;;) {
      const closer = new Date(ctx.now().getTime() + closeSeconds * 1000);
      const awaited = closer.getTime() < nextTurn ? await findAwaited(ctx) : [];
      if (awaited.length === 0) return;
      await ctx.clock.until(closer, signal);
      await probeEach(ctx, awaited, signal);
    }
  });
}

/**
 * How many are asked at once, and after how many wall milliseconds one that has not answered makes room for the next: a
 * thousand handshakes at once would keep the whole process from everything else, and silence costs nothing.
 */
const atOnce = 40;
const roomAfterMs = 1000;

/** So many probes are written down together. */
const writtenAtOnce = 50;

type Row = { service: string; ok: boolean; tookMs: number; why: string | null; at: Date };

/** Asks every service once, and writes down what came of it. */
export async function probeServices(ctx: Context, signal?: AbortSignal): Promise<void> {
  await probeEach(ctx, Object.keys(ctx.estate.services), signal);
}

/** Names the services that a run is to bring back: it has them in its hands, and their newest probe is red. */
async function findAwaited(ctx: Context): Promise<string[]> {
  const { rows } = await sql<{ service: string }>`
    select held.service from muster.run_service held
      join lateral (select ok from muster.probe where service = held.service and via = 'public'
                     order by at desc, seq desc limit 1) newest on not newest.ok
     limit ${mostClosely}`.execute(ctx.db);
  return rows.map(({ service }) => service);
}

async function probeEach(ctx: Context, names: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const rows: Row[] = [];
  const write = async () => writeProbes(ctx, rows.splice(0));
  const probed: Promise<void>[] = [];
  const slots = new Slots(atOnce);
  for (const name of names) {
    const service = ctx.estate.services[name];
    if (!service) continue;
    const makeRoom = await slots.takeFree();
    const timer = setTimeout(makeRoom, roomAfterMs);
    const one = probeOnce(ctx, name, service.health, signal)
      .then(async (row) => {
        rows.push(row);
        if (rows.length >= writtenAtOnce) await write();
      })
      .finally(() => {
        clearTimeout(timer);
        makeRoom();
      });
    // Heard of below; until then, a failure is nobody's surprise.
    one.catch(() => undefined);
    probed.push(one);
  }
  await Promise.all(probed);
  await write();
}

async function probeOnce(
  ctx: Context,
  service: string,
  { url, limitMs }: { url: string; limitMs: number },
  signal: AbortSignal | undefined,
): Promise<Row> {
  const startedAt = ctx.now();
  const { ok, tookMs, why = null } = await probe(ctx, ctx.clients.web, { url, limitMs }, { signal });
  // Never in our favour: an outage counts from when it was asked, a recovery from when it was answered.
  return { service, ok, tookMs, why, at: ok ? ctx.now() : startedAt };
}

async function writeProbes({ db }: Context, rows: Row[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into muster.probe (service, via, ok, took_ms, why, at)
    select service, 'public', ok, "tookMs", why, at
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) x(service text, ok boolean, "tookMs" int, why text, at timestamptz)
     order by at`.execute(db);
}
