import { setTimeout as pause } from "node:timers/promises";
import { openLab, type Lab } from "./lab.ts";
import { insertLongRuns } from "./long-runs.ts";
import { Servers } from "./servers.ts";

/** Wall milliseconds between two looks at who has which run. */
const lookMs = 20;
const atOnce = 25;

/**
 * Ends servers in the middle of their runs, and tells for each run how many seconds on the wall it had nobody: until the first
 * journal row of the next epoch after SIGKILL; after SIGTERM, where nothing needs to be told, until the next lease.
 */
export async function measureHandingOn(signal: "SIGKILL" | "SIGTERM", samples: number): Promise<number[]> {
  await using lab = await openLab({ rate: 1, serve: false, withoutSlack: true });
  const servers = new Servers(lab.environment);
  const measured: number[] = [];
  try {
    await Promise.all([servers.start(), servers.start()]);
    await insertLongRuns(lab.environment["DATABASE_URL"] ?? "", atOnce);
    while (measured.length < samples) {
      await until(async () => (await ownersOf(lab)).every(({ owner }) => owner !== null));
      const victim = await busiest(lab);
      const struck = (await ownersOf(lab)).filter(({ owner }) => owner === victim);
      const [now] = await lab.query<{ at: Date }>("select clock_timestamp() as at");
      const endedAt = now?.at.getTime() ?? 0;
      servers.kill(victim, signal);
      for (const { id, epoch } of struck) {
        const at = await until(() => (signal === "SIGKILL" ? firstWord(lab, id, epoch) : nextLease(lab, id, epoch)));
        measured.push((at - endedAt) / 1000);
      }
      await servers.start();
    }
    return measured.slice(0, samples);
  } finally {
    await servers.stop();
  }
}

type Owned = { id: string; owner: string | null; epoch: number };

const ownersOf = (lab: Lab): Promise<Owned[]> =>
  lab.query<Owned>("select id, owner, epoch from muster.run where ended_at is null order by id");

async function busiest(lab: Lab): Promise<string> {
  const [row] = await lab.query<{ owner: string }>(
    "select owner from muster.run where owner is not null group by owner order by count(*) desc limit 1",
  );
  return row?.owner ?? "";
}

/** When a run's next epoch wrote its first word, on the wall. Muster's clock runs as the wall's does here. */
async function firstWord(lab: Lab, id: string, epoch: number): Promise<number | undefined> {
  const [row] = await lab.query<{ at: Date | null }>(
    `select min(at) + (clock_timestamp() - muster.now()) as at from muster.step_event where run = $1 and epoch > $2`,
    [id, epoch],
  );
  return row?.at?.getTime();
}

async function nextLease(lab: Lab, id: string, epoch: number): Promise<number | undefined> {
  const [row] = await lab.query<{ at: Date }>(
    "select clock_timestamp() as at from muster.run where id = $1 and epoch > $2 and owner is not null",
    [id, epoch],
  );
  return row?.at.getTime();
}

async function until<T>(look: () => Promise<T | false | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await pause(lookMs);
  }
}
