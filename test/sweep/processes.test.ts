import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { openDb } from "../../src/db/connect.ts";
import { standing } from "../../src/engine/decide.ts";
import { loadJournal } from "../../src/engine/journal.ts";
import { fold } from "../../src/engine/fold.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { sweepSeed } from "./chance.ts";
import type { Played } from "./play.ts";
import { expectSound } from "./soundness.ts";
import { makeTrouble, openStage, quiet, say, type Mode } from "./stage.ts";
import { inLanes } from "./sweep.ts";

const entry = fileURLToPath(new URL("./process.ts", import.meta.url));
/** Lab seconds in a wall second: processes wait for the clock, nobody jumps it for them. */
const rate = 25;

/** One point of each kind of await. Each is for a worker of its own, which strikes at whichever comes first. */
const plays: readonly { mode: Mode; at: readonly string[] }[] = [
  {
    mode: "graceful",
    at: [
      "after db.sweep",
      "after kubernetes.PatchScale",
      "before postgres.FenceRole",
      "after rds.PromoteReadReplica",
      "after dns.Query",
    ],
  },
  {
    mode: "graceful",
    at: [
      "after db.load-journal",
      "before kubernetes.PatchConfigMap",
      "before db.journal intent checkout/promote-replica",
      "timer checkout/promote-replica",
      "after route53.ChangeResourceRecordSets",
    ],
  },
  {
    mode: "ungraceful",
    at: [
      "after db.renew",
      "before rds.PromoteReadReplica",
      "after db.journal intent checkout/open-writes",
      "before probe.Get",
    ],
  },
];

describe.each(["SIGKILL", "SIGSTOP"] as const)(`a worker process that gets %s (seed ${sweepSeed})`, (signal) => {
  it("in the middle of any kind of await: another one ends the run, in trouble, and no order is lost", async () => {
    const struck: string[] = [];
    await inLanes(2, plays, async (play) => {
      struck.push(...(await playWithProcesses(play, signal)));
    });
    expect(struck.toSorted()).toEqual(plays.flatMap(({ at }) => at).toSorted());
  }, 400_000);
});

async function playWithProcesses({ mode, at }: (typeof plays)[number], signal: "SIGKILL" | "SIGSTOP") {
  const seed = sweepSeed;
  const { lab, runId, approve } = await openStage({ mode, seed, rate, customers: { count: 2, everySeconds: 10 } });
  const db = openDb(lab.environment["DATABASE_URL"] ?? "", { max: 2, leaseMs: 60_000, log: quiet });
  const children: ChildProcess[] = [];
  const crashes: Played["crashes"] = [];
  let continued = 0;
  const look = async () => {
    const loaded = await loadJournal(db, runId);
    if (!loaded) throw new Error("the run is gone");
    return { ...loaded, view: fold(loaded.run.plan, loaded.events) };
  };
  try {
    await approve(db);
    let frozen: { child: ChildProcess; worker: string; epoch: number } | undefined;
    let troubled = false;
    for (const left = new Set(at); ;) {
      const worker = `process-${children.length + 1}`;
      const child = fork(entry, [worker, signal, ...left], {
        env: lab.environment,
        stdio: ["ignore", "pipe", "inherit", "ipc"],
      });
      children.push(child);
      const { stdout } = child;
      if (!stdout) throw new Error("a worker process has no stdout");
      const said = Promise.race([once(stdout, "data"), once(stdout, "end")]);
      for (;;) {
        const { view, events } = await look();
        if (view.startedAt && !troubled) makeTrouble(lab, seed);
        troubled ||= view.startedAt !== undefined;
        const { worker: gone, epoch = Infinity } = frozen ?? {};
        if (events.some((event) => event.kind === "taken-over" && event.from === gone && event.epoch > epoch)) {
          // The one that was frozen wakes up beside its heir.
          frozen?.child.kill("SIGCONT");
          frozen = undefined;
        }
        if (isStruck(child)) break;
        if (view.ended) break;
        if (standing(view) === "parked") {
          continued += 1;
          await say(db, runId, "continue", "ben");
        }
        await pause(50);
      }
      if (!isStruck(child)) break;
      const [point = ""] = (await said).map(String);
      if (!left.delete(point)) throw new Error(`${worker} ended by itself`);
      const row = await db
        .selectFrom("run")
        .select(["owner", "epoch"])
        .where("id", "=", runId)
        .executeTakeFirstOrThrow();
      crashes.push({ at: point, worker, held: row.owner === worker ? "as a process" : "perhaps" });
      if (signal === "SIGSTOP") frozen = { child, worker, epoch: row.epoch };
    }
    await lab.customer?.stop();
    const { run, events } = await look();
    const points: string[] = [];
    await expectSound({ mode, seed, trouble: true, lab, run, events, points, crashes, continued, unnamed: [] });
    if (mode === "graceful") {
      const stored = await ask<{ number: string }>(lab.pair.replica.server, "select number from orders");
      const kept = new Set(stored.map(({ number }) => Number(number)));
      const accepted = lab.customer?.counts().accepted ?? [];
      expect(accepted.length).toBeGreaterThan(5);
      expect(accepted.filter((number) => !kept.has(number))).toEqual([]);
    }
    return crashes.map((crash) => crash.at);
  } catch (error) {
    const story = (await lab.timeline(runId)).map((line) => `  ${line}`).join("\n");
    throw new Error(
      `${mode}, ${signal}, seed ${seed}, struck at ${crashes.map((crash) => crash.at).join("; ")}\n${story}`,
      {
        cause: error,
      },
    );
  } finally {
    await Promise.all(children.map(end));
    await db.destroy();
    await lab[Symbol.asyncDispose]();
  }
}

/** Tells whether a process was killed, or stands still. */
function isStruck(child: ChildProcess): boolean {
  if (child.exitCode !== null || child.signalCode !== null) return true;
  const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) === "T";
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
