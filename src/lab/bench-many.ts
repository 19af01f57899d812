import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { secondsSince } from "../clock.ts";
import { openDb, type Db } from "../db/connect.ts";
import { messageOf } from "../errors.ts";
import { west } from "./estate.ts";
import { openLab, type Lab } from "./lab.ts";
import { lowerBound, type Bound } from "./lower-bound.ts";
import { Servers } from "./servers.ts";
import { manyServices } from "./services.ts";

export type ManyOptions = {
  services: number;
  /** How many of them have a database. */
  databases: number;
  /** Lab seconds in a second. */
  scale: number;
  say: (line: string) => void;
};

export type ManyFigures = {
  outcome: string;
  /** From the second approval until the run was over, in lab seconds. */
  seconds: number | null;
  /** The look at everything before the plan, in lab seconds. */
  preflightSeconds: number;
  bound: Bound;
  /** Batches of changes that the lab's Route 53 took. */
  route53Writes: number;
};

const waves = 4;
const stabilitySeconds = 60;
/** Wall milliseconds between two looks at the run. */
const lookMs = 250;
/** How often is said how far it is, in wall milliseconds. */
const sayEveryMs = 15_000;
/** Lab seconds after which somebody types again whose command nobody recorded, and after which a move is given up. */
const typesAgainSeconds = 20;
const mostSeconds = 3 * 3600;

/**
 * Moves a big estate out of its region, both regions alive, by one typed command and two approvals: four waves, one zone, a
 * pair of records a service. Every delay takes the middle of its range. Nobody buys meanwhile.
 */
export async function measureMany({ services, databases, scale, say }: ManyOptions): Promise<ManyFigures> {
  await using lab = await openLab({
    rate: scale,
    serve: false,
    steady: true,
    plain: true,
    replicas: 1,
    services: manyServices(services, databases),
    // Slow answers of a lab in which a thousand services run on one machine are no outage.
    estate: { stabilitySeconds, limitMs: 10_000 },
    settings: { CALL_TIMEOUT_MILLISECONDS: "10000", LEASE_MILLISECONDS: "30000", LOG_LEVEL: "error" },
  });
  const servers = new Servers(lab.environment);
  const url = lab.environment["DATABASE_URL"] ?? "";
  const db = openDb(url, { max: 2, leaseMs: 60_000, statementTimeoutMs: 60_000 });
  try {
    await servers.start();
    await lab.time.clock.sleep(20);
    const askedAt = lab.time.clock.now();
    const runId = await typed(lab, db);
    const preflightSeconds = secondsSince(askedAt, lab.time.clock.now());
    say(`  planned after ${Math.round(preflightSeconds)} lab seconds`);
    const isShown = () => JSON.stringify(lab.slack.messages("#incident-response")).includes('"Approve"');
    await until(lab, "the card", () => Promise.resolve(isShown()), mostSeconds);
    for (const person of ["U02", "U03"]) await lab.slack.presses(person, "Approve");
    const outcome = await ended(lab, db, { runId, say });
    const wave = { services: services / waves, databases: databases / waves };
    return {
      outcome,
      seconds: outcome === "done" ? await secondsOf(db, runId) : null,
      preflightSeconds,
      bound: lowerBound({ waves: Array.from({ length: waves }, () => wave), stabilitySeconds }),
      route53Writes: lab.log.of("route53", "ChangeResourceRecordSets").filter(({ status }) => status === 200).length,
    };
  } finally {
    await servers.stop();
    await db.destroy();
  }
}

/** Has ana type it until it is a run: a machine that is too busy may not record it, and says so. */
async function typed(lab: Lab, db: Db): Promise<string> {
  const isRecorded = async () => (await sql`select from muster.inbox limit 1`.execute(db)).rows.length > 0;
  for (let tries = 0; tries < 10 && !(await isRecorded()); tries += 1) {
    await lab.slack.types("U01", "#incident-response", `/failover ${west} --reason "planned move"`);
    await until(lab, "the command", isRecorded, typesAgainSeconds).catch(() => undefined);
  }
  await until(lab, "the plan", async () => (await newest(db)) !== undefined, mostSeconds);
  const run = await newest(db);
  if (run === undefined) throw new Error("nobody answered what was typed");
  return run;
}

async function newest(db: Db): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`select id from muster.run limit 1`.execute(db);
  return rows[0]?.id;
}

/** Waits until the run is over or needs a person, and says now and then how far it is. */
async function ended(lab: Lab, db: Db, { runId, say }: { runId: string; say: ManyOptions["say"] }): Promise<string> {
  let saidAt = performance.now();
  let outcome = "";
  const isOver = async () => {
    const { rows } = await sql<{ outcome: string | null; parked: string | null; done: number; now: string | null }>`
      select run.outcome, (select line from muster.timeline where run = run.id order by seq desc limit 1) as now, (select line from muster.timeline where run = run.id and line like 'Parked%' limit 1) as parked,
             (select count(*)::int from muster.step_event
               where run = run.id and kind = 'done' and step like '%/verify-public') as done
        from muster.run where id = ${runId}`.execute(db);
    const [row] = rows;
    if (performance.now() - saidAt > sayEveryMs) {
      say(`  ${row?.done ?? 0} services have their customers back. ${row?.now ?? ""}`);
      saidAt = performance.now();
    }
    outcome = row?.outcome ?? row?.parked ?? "";
    // What came of it is not always why: the claims broke, nobody answered.
    if (outcome !== "" && outcome !== "done") say(`  ${row?.now ?? ""}`);
    return outcome !== "";
  };
  await until(lab, "the end of the run", isOver, mostSeconds);
  return outcome;
}

async function secondsOf(db: Db, runId: string): Promise<number | null> {
  const { rows } = await sql<{ seconds: number | null }>`
    select extract(epoch from max(at) filter (where kind = 'ended') - max(at) filter (where kind = 'approved'))::float8 as seconds
      from muster.step_event where run = ${runId}`.execute(db);
  return rows[0]?.seconds ?? null;
}

async function until(lab: Lab, what: string, isSo: () => Promise<boolean>, withinSeconds: number): Promise<void> {
  const from = lab.time.clock.now();
  for (;;) {
    const so = await isSo().catch((error: unknown) => {
      process.stderr.write(`  ${what} could not be looked at: ${messageOf(error)}\n`);
      return false;
    });
    if (so) return;
    if (secondsSince(from, lab.time.clock.now()) > withinSeconds)
      throw new Error(`${what}: not so within ${withinSeconds} lab seconds`);
    await pause(lookMs);
  }
}
