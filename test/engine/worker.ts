import { sql } from "kysely";
import { Clock } from "../../src/clock.ts";
import { openDb, readClock } from "../../src/db/connect.ts";
import { openDriver } from "../../src/engine/drive.ts";
import { openSweep } from "../../src/engine/sweep.ts";
import { messageOf } from "../../src/errors.ts";
import { engineContext } from "./engine-lab.ts";
import { sharedSteps } from "./shared-world.ts";

/** A worker process: sweeps and drives until its parent goes. */
const [url = "", worker = "", leaseMs = "0"] = process.argv.slice(2);
process.on("disconnect", () => process.exit(0));

const db = openDb(url, { max: 8, leaseMs: Number(leaseMs) });
const clock = new Clock(await readClock(db));
const ctx = engineContext({
  db,
  clock,
  worker,
  leaseMs: Number(leaseMs),
  callTimeoutMs: Number(leaseMs) / 3,
  steps: sharedSteps,
});
const sweep = openSweep(ctx, openDriver(ctx));

process.on("message", (message: { stop?: true; freezeIn?: { runId: string; epoch: number } }) => {
  if (message.stop) void sweep.stop();
  if (message.freezeIn) void freezeInTransaction(message.freezeIn);
});

/** Stops this process where a worker must never be stopped: inside a transaction that holds the run's row. */
async function freezeInTransaction({ runId, epoch }: { runId: string; epoch: number }): Promise<void> {
  const wrote = await db
    .transaction()
    .execute(async (trx) => {
      await sql`select from muster.run where id = ${runId} and epoch = ${epoch} for share`.execute(trx);
      process.kill(process.pid, "SIGSTOP");
      await sql`insert into muster.step_event (run, kind, epoch, payload) values (${runId}, 'started', ${epoch}, '{}')`.execute(
        trx,
      );
    })
    .then(() => "written", messageOf);
  process.send?.({ afterFreeze: wrote });
}

process.send?.({ ready: true });
