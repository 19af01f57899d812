import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { standing } from "../../src/engine/decide.ts";
import type { JournalEvent } from "../../src/engine/events.ts";
import { loadJournal, type Run } from "../../src/engine/journal.ts";
import { fold } from "../../src/engine/fold.ts";
import type { Database } from "../../src/estate.ts";
import { endpointOf, west, type LabTraffic } from "../../src/lab/estate.ts";
import type { Lab } from "../../src/lab/lab.ts";
import { openDb, type Db } from "../../src/db/connect.ts";
import { makeTrouble, openStage, quiet, say, type Mode } from "./stage.ts";
import { openCrew, type Worker } from "./worker.ts";

export type Fate = {
  mode: Mode;
  seed: number;
  /** 30 % of the calls fail, half of the changing ones after their effect, and reads lag. */
  trouble: boolean;
  /** How customers are moved; by weighted records, unless told otherwise. */
  traffic?: LabTraffic;
  /** What manages the database; RDS, unless told otherwise. */
  database?: Database["driver"];
  /** An autoscaler and Flux have the service in their hands, too. */
  kept?: boolean;
};

/** Asked at every point a worker passes: its id ("shift-dns looks: before dns.Query #3"). True abandons the worker there. */
export type Choose = (id: string) => boolean;

export type Crash = {
  at: string;
  worker: string;
  /** It had the run's lease. A process may have lost it by being slow, and had heirs before it was struck. */
  held: boolean | "as a process" | "perhaps";
};

export type Played = Fate & {
  lab: Lab;
  run: Run;
  events: JournalEvent[];
  /** The ids of all points, in the order they were passed. */
  points: string[];
  crashes: Crash[];
  /** How often a person had to say "continue". */
  continued: number;
  /** Queries to Muster's database outside of any named point. */
  unnamed: string[];
};

/** Lab seconds after which a run counts as lost. */
const longestSeconds = 6 * 3600;
/** Nobody sleeps while one worker is gone and the next is not there yet; then time makes no great leaps. */
const longestJumpSeconds = 20;

/** Plays one failover, abandoning workers as chosen, each followed by another; then has it looked at. */
export async function play(fate: Fate, choose: Choose, lookAt: (played: Played) => Promise<void>): Promise<Played> {
  const { lab, runId, approve } = await openStage(fate);
  const db = openDb(lab.environment["DATABASE_URL"] ?? "", { max: 1, leaseMs: 60_000, log: quiet });
  const workers: Worker[] = [];
  const crew = await openCrew(lab);
  const points: string[] = [];
  const crashes: Crash[] = [];
  let continued = 0;
  try {
    const times = new Map<string, number>();
    const atPoint = (name: string) => {
      const time = (times.get(name) ?? 0) + 1;
      times.set(name, time);
      const id = `${name} #${time}`;
      points.push(id);
      if (fate.trouble && id === "after db.journal started #1") makeTrouble(lab, fate.seed);
      if (!choose(id)) return false;
      crashes.push({ at: id, worker: `worker-${workers.length}`, held: false });
      return true;
    };
    const rests: Rests = {
      approve: once(() => approve(db)),
      continue: async () => {
        continued += 1;
        await say(db, runId, "continue", "ben");
      },
      answer: async (step) => {
        // Whoever says that Git is right has made it so.
        const data = { DB_HOST: endpointOf(west) };
        lab.clusters[west]?.commit({ resource: "configmaps", namespace: "shop", name: "app-config", data });
        await say(db, runId, "approve", "ben", step);
      },
      until: lab.time.clock.now().getTime() + longestSeconds * 1000,
    };
    for (let ended = false; !ended;) {
      const worker = await crew.openWorker(`worker-${workers.length + 1}`, atPoint);
      workers.push(worker);
      const how = await driveOn({ lab, db, runId, worker }, rests);
      ended = how.ended;
      const crash = crashes.at(-1);
      if (crash && !ended) crash.held = how.held;
    }
    const loaded = await loadJournal(db, runId);
    if (!loaded) throw new Error("the run is gone");
    const played = { ...fate, lab, ...loaded, points, crashes, continued, unnamed: crew.unnamed };
    await lookAt(played);
    return played;
  } finally {
    for (const worker of workers) await worker.end();
    await crew.close();
    await db.destroy();
    await lab[Symbol.asyncDispose]();
  }
}

type Drive = { lab: Lab; db: Db; runId: string; worker: Worker };

/** What happens where nobody drives. */
type Rests = {
  approve(): Promise<boolean>;
  continue(): Promise<void>;
  answer(step: string): Promise<void>;
  until: number;
};

/** Lets time pass with one worker, until the run has ended, or the worker is abandoned and its lease is over. */
async function driveOn({ lab, db, runId, worker }: Drive, rests: Rests): Promise<{ ended: boolean; held: boolean }> {
  for (;;) {
    const row = await lookAtRow(db, runId);
    const held = row.owner === worker.name;
    if (row.ended) return { ended: true, held };
    if (worker.crashed.aborted) {
      // Whoever comes next must not be held up by anything but the lease.
      if (!held || row.left <= 0) return { ended: false, held };
      await pause(row.left);
      continue;
    }
    if (!held || row.left <= 0) {
      if (row.left > 0) await pause(row.left);
      else if (row.due) void worker.driver.drive(runId);
      else if (await answer(db, runId, rests)) continue;
    }
    const now = lab.time.clock.now().getTime();
    if (now > rests.until) throw new Error(`the run did not end: ${JSON.stringify(row)}`);
    await lab.time.jump(new Date(now + longestJumpSeconds * 1000), worker.crashed).catch((error: unknown) => {
      if (!worker.crashed.aborted) throw error;
    });
  }
}

/** Says what a person would say to a run that rests; false where it waits for the time only. */
async function answer(db: Db, runId: string, rests: Rests): Promise<boolean> {
  if (await rests.approve()) return true;
  const loaded = await loadJournal(db, runId);
  if (!loaded) return false;
  const view = fold(loaded.run.plan, loaded.events);
  const now = standing(view);
  const asked = [...view.steps.values()].find((step) => step.asked && !step.done);
  if (now === "parked") await rests.continue();
  else if (now === "waiting" && asked) await rests.answer(asked.node.id);
  else return false;
  return true;
}

type Row = { ended: boolean; owner: string | null; left: number; due: boolean };

async function lookAtRow(db: Db, runId: string): Promise<Row> {
  const { rows } = await sql<Row>`
    select ended_at is not null as ended, owner,
           greatest(0, extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 as left,
           coalesce(next_wake_at <= muster.now(), false) as due
      from muster.run where id = ${runId}`.execute(db);
  const [row] = rows;
  if (!row) throw new Error("the run is gone");
  return { ...row, left: row.left ?? 0 };
}

/** Does a deed at the first call only; tells whether it did. */
function once(deed: () => Promise<void>): () => Promise<boolean> {
  let done = false;
  return async () => {
    if (done) return false;
    done = true;
    await deed();
    return true;
  };
}
