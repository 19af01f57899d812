import { writeFileSync } from "node:fs";
import type { JournalEvent } from "../../src/engine/events.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { west } from "../../src/lab/estate.ts";
import type { Lab } from "../../src/lab/lab.ts";
import { openDb } from "../../src/db/connect.ts";
import { loadJournal } from "../../src/engine/journal.ts";
import { play } from "../sweep/play.ts";
import { openStage, quiet, say } from "../sweep/stage.ts";
import { openCrew } from "../sweep/worker.ts";
import { everyNext, fileOf } from "./journals.ts";

// Keeps the journals of this version, for every later one to read: node test/golden/write-journals.ts
const calm = { seed: 1, trouble: false };
const killed = "promote-replica changes: after rds.PromoteReadReplica #1";

for (const mode of ["graceful", "ungraceful"] as const) {
  await play(
    { ...calm, mode },
    () => false,
    ({ lab, run, events }) => keep(mode, lab, run.id, run.plan, events),
  );
}
await play(
  { ...calm, mode: "graceful" },
  (id) => id === killed,
  ({ lab, run, events }) => keep("taken-over", lab, run.id, run.plan, events),
);
await playUndone();

/** The cluster refuses one step, which two people waive; the replica hears nothing more, and the run is turned back. */
async function playUndone(): Promise<void> {
  const stage = await openStage({ ...calm, mode: "graceful" });
  const { lab, runId } = stage;
  const db = openDb(lab.environment["DATABASE_URL"] ?? "", { max: 1, leaseMs: 60_000, log: quiet });
  const crew = await openCrew(lab);
  const worker = await crew.openWorker("worker-1", () => false);
  const saw = async (kind: string, step: string) => {
    const loaded = await loadJournal(db, runId);
    return loaded?.events.some((event) => event.kind === kind && (!("step" in event) || event.step.endsWith(step))) === true;
  };
  const told = async (verb: "waive" | "undo", by: string, step?: string) => {
    await say(db, runId, verb, by, step);
    await worker.driver.answer(runId);
  };
  try {
    lab.clusters[west]?.knobs.next("PATCH configmaps", "fail-before", 1000);
    await stage.approve(db);
    void worker.driver.drive(runId);
    await lab.time.until("it started", () => saw("started", ""), 60);
    await lab.pair.setLink("silent");
    await lab.time.until("a step is parked", () => saw("parked", "point-config"), 3600);
    for (const by of ["ben", "cleo"]) await told("waive", by, "checkout/point-config");
    await lab.time.until("it waits for the replica", () => saw("waiting", "catch-up"), 3600);
    await told("undo", "ben");
    await lab.time.until("it ended", () => saw("ended", ""), 3600);
    const loaded = await loadJournal(db, runId);
    if (loaded) await keep("parked-waived-undone", lab, runId, loaded.run.plan, loaded.events);
  } finally {
    await worker.end();
    await crew.close();
    await db.destroy();
    await lab[Symbol.asyncDispose]();
  }
}

async function keep(name: string, lab: Lab, runId: string, plan: Plan, events: JournalEvent[]): Promise<void> {
  const [row] = await lab.query<{ facts: object }>("select facts from muster.run where id = $1", [runId]);
  const golden = { plan, facts: row?.facts, events, next: everyNext(plan, events) };
  writeFileSync(fileOf(name), `${JSON.stringify(golden, undefined, 2)}\n`);
  process.stdout.write(`${name}: ${events.length} events\n`);
}
