import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeClients } from "../../src/adapters/clients.ts";
import { isConflict } from "../../src/adapters/kubernetes.ts";
import { Activity } from "../../src/activity.ts";
import type { Log } from "../../src/call.ts";
import { openDb, type Db } from "../../src/db/connect.ts";
import { CannotContinue } from "../../src/errors.ts";
import { isUnknown, type Json, type Reads, type Step, type StepContext, type Unknown } from "../../src/engine/step.ts";
import { kubeconfig } from "../../src/lab/kubernetes.ts";
import { app, muster } from "../../src/lab/shop.ts";
import { openWorld, type World, type WorldOptions } from "../../src/lab/world.ts";
import { HighWater } from "../../src/engine/high-water.ts";
import { engineVersion } from "../../src/engine/lease.ts";

const runId = "run-1";

/** A lab's world and what steps reach it through, without an engine: steps are driven by hand. */
export type Bench = World & {
  ctx: StepContext;
  db: Db;
  /** As another worker, or after a take-over. */
  as(change: Partial<StepContext>): StepContext;
  close(): Promise<void>;
};

const quiet: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Opens a bench whose clock runs 100 times as fast as the wall's, so that RDS is done in seconds. */
export async function openBench(options: WorldOptions = {}): Promise<Bench> {
  // The SDK's own chain reads these; the lab takes any.
  process.env["AWS_ACCESS_KEY_ID"] = "lab";
  process.env["AWS_SECRET_ACCESS_KEY"] = "lab-secret-key";
  const world = await openWorld({ rate: 100, ...options });
  const folder = await mkdtemp(join(tmpdir(), "muster-bench-"));
  const kubeconfigFile = join(folder, "kubeconfig.yaml");
  await writeFile(kubeconfigFile, kubeconfig(Object.values(world.clusters)), { mode: 0o600 });
  const db = openDb(world.musterDatabase.url, { max: 4, leaseMs: 10_000 });
  await world.time.bind(world.musterDatabase.url);
  await noteRun(db, runId, {});
  const clients = makeClients({
    rdsEndpoint: world.rds.url,
    route53Endpoint: world.route53.url,
    s3Endpoint: world.s3.url,
    extraCa: world.authority.cert,
    kubeconfigFile,
    clusters: { east: { context: "prod-east" }, west: { context: "prod-west" } },
    guard: { user: muster.user, password: muster.password, ssl: "disable" },
    connectTimeoutMs: 800,
    resolvers: [world.dns.server],
    publicResolvers: [world.resolver.server],
    dnsPort: 5353,
  });
  // client-node takes half a second to load, and more on a busy machine: not out of the first call's patience.
  await Promise.all(["east", "west"].map((name) => clients.cluster(name).prepare()));
  const ctx: StepContext = {
    db,
    clients,
    runId,
    epoch: 1,
    worker: "bench",
    engineVersion,
    highWater: new HighWater(),
    leaseMs: 10_000,
    callTimeoutMs: 4000,
    clock: world.time.clock,
    now: () => world.time.clock.now(),
    newId: () => crypto.randomUUID(),
    random: Math.random,
    point: () => Promise.resolve(),
    activity: new Activity(),
    log: quiet,
    redact: (text: string) => text,
    secret: () => `postgres://${app.user}:${app.password}@unused.lab/${app.database}?sslmode=disable`,
    ring: () => Promise.resolve(),
    steps: new Map(),
    brokenClaims: () => Promise.resolve([]),
    senders: new Map(),
    signal: new AbortController().signal,
    unwanted: new AbortController().signal,
    stopping: new AbortController().signal,
  };
  return {
    ...world,
    ctx,
    db,
    as: (change) => ({ ...ctx, ...change }),
    async close() {
      await clients.close();
      await db.destroy();
      await world.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export type Driven<Seen> = {
  /** What was seen when nothing was missing, or could not be seen when patience was over. */
  result: Seen | Unknown;
  /** What was seen before the first change. */
  before: Seen | undefined;
  /** The sentences it waited with, each once in a row. */
  waited: string[];
};

/**
 * Patience lasts so many wall milliseconds a second at least, however fast the clock runs: real servers and a busy machine take
 * their time on the wall.
 */
const leastWallMs = 50;
const momentOf = (ctx: StepContext) => ({ clock: ctx.now().getTime(), wall: performance.now() });

/** Drives a step forward as the engine does: look, change, again where it was refused, look until nothing is missing. @throws what it parks with. */
export async function drive<Input, Seen>(
  bench: Bench,
  step: Step<Input, Seen>,
  input: Input,
  reads: Reads = {},
): Promise<Driven<Seen>> {
  const { ctx } = bench;
  const patience = typeof step.patienceSeconds === "number" ? step.patienceSeconds : step.patienceSeconds(input);
  let from = momentOf(ctx);
  let before: Seen | undefined;
  let applied = false;
  const waited: string[] = [];
  for (;;) {
    // What a look took does not count: one that began in time may end when the change has long been made.
    const began = momentOf(ctx);
    const seen = json(await step.observe(ctx, input, reads));
    const late = began.clock - from.clock > patience * 1000 && began.wall - from.wall > patience * leastWallMs;
    const sentence = isUnknown(seen)
      ? seen.unknown
      : (step.notYet?.(seen, input, reads) ?? step.missing(seen, input, reads));
    if (!isUnknown(seen) && step.missing(seen, input, reads) === undefined) return { result: seen, before, waited };
    if (sentence !== undefined && waited.at(-1) !== sentence) waited.push(sentence);
    if (isUnknown(seen) && late && step.acceptsUnknown?.(input)) return { result: seen, before, waited };
    if (late) throw new Error(`parked: ${sentence}`);
    const mayApply = !isUnknown(seen) && !applied && !step.notYet?.(seen, input, reads);
    if (mayApply && step.apply) {
      before ??= seen;
      await noteIntent(bench, step.name);
      try {
        await step.apply(ctx, input, { before, seen, reads });
        applied = true;
        from = momentOf(ctx);
        continue;
      } catch (error) {
        // Of two changes the second may lose to somebody who was quicker: the engine looks again there, too.
        if (!(step.hadNoEffect?.(error) || isConflict(error)) || error instanceof CannotContinue) throw error;
      }
    }
    await ctx.clock.sleep(step.pollSeconds);
  }
}

/** Takes a step back as the engine does, again where that was refused. */
export async function takeBack<Input, Seen>(
  { ctx }: Bench,
  step: Step<Input, Seen>,
  input: Input,
  before: Seen,
  reads: Reads = {},
): Promise<Seen> {
  if (!("apply" in step.undo)) throw new Error(`${step.name} has no way back`);
  const look = async () => {
    const seen = json(await step.observe(ctx, input, reads));
    if (isUnknown(seen)) throw new Error(seen.unknown);
    return seen;
  };
  const { undo } = step;
  const applied = async () => {
    try {
      await undo.apply(ctx, input, { before, seen: await look(), reads });
      return true;
    } catch (error) {
      if (!step.hadNoEffect?.(error) || error instanceof CannotContinue) throw error;
      return false;
    }
  };
  while (!(await applied())) await ctx.clock.sleep(step.pollSeconds);
  for (let tries = 0; tries < 100; tries += 1) {
    const now = await look();
    if (step.undo.missing(now, before, input) === undefined) return now;
    await ctx.clock.sleep(step.pollSeconds);
  }
  throw new Error(`not taken back: ${step.undo.missing(await look(), before, input)}`);
}

/** The journal's row that says a change was meant, as the engine writes it before each. */
export const noteIntent = (bench: Bench, stepName: string, payload: object = {}): Promise<void> =>
  note(bench, stepName, "intent", payload);

async function noteRun(db: Bench["db"], id: string, plan: object): Promise<void> {
  await db
    .insertInto("run")
    .values({
      id,
      job: "failover",
      title: "a failover",
      engine_version: 1,
      requested_by: "ana",
      plan: JSON.stringify(plan),
      facts: "{}",
      plan_hash: "",
      place: "{}",
      approve_until: new Date(),
    })
    .execute();
}

/** Journals that another run, "run-2", means to make an instance the writer. */
export async function noteWriterAgain(
  { db }: Bench,
  { instance, region }: { instance: string; region: string },
): Promise<void> {
  const step = "checkout/promote-replica";
  await noteRun(db, "run-2", { nodes: [{ id: step, input: { replica: { instance, region } } }] });
  await db.insertInto("step_event").values({ run: "run-2", step, kind: "intent", epoch: 1, payload: "{}" }).execute();
}

/** Journals that the call of a step failed. */
export const noteFailure = (bench: Bench, stepName: string, payload: object): Promise<void> =>
  note(bench, stepName, "call-failed", payload);

async function note({ db }: Bench, stepName: string, kind: string, payload: object): Promise<void> {
  await db
    .insertInto("step_event")
    .values({ run: runId, step: `checkout/${stepName}`, kind, epoch: 1, payload: JSON.stringify(payload) })
    .execute();
}

/** What a piece of work failed with; undefined where it did not. */
export const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

/** What a later worker would read of it. */
const json = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export type { Json };
