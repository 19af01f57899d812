import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { delimiter, dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openLab, type Lab } from "./lab.ts";
import { insertLongRuns } from "./long-runs.ts";

const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));
const port = 18_080;
/** On which the first "node" is the one that runs this. */
const path = [dirname(process.execPath), process.env["PATH"]].join(delimiter);

export type ServerFigures = { readySeconds: number; idleMb: number; busyMb: number };

/** Starts `muster serve` beside its database, and tells how soon it is ready and what it holds, idle and with 50 runs at once. */
export async function measureServer(): Promise<ServerFigures> {
  await using lab = await openLab({ rate: 1, serve: false });
  const startedAt = performance.now();
  const server = serve(lab);
  try {
    await untilReady();
    const readySeconds = (performance.now() - startedAt) / 1000;
    await pause(5000);
    const idleMb = await residentMb(server);
    await insertLongRuns(lab.environment["DATABASE_URL"] ?? "", 50);
    let busyMb = 0;
    for (let second = 0; second < 20; second += 1) {
      await pause(1000);
      busyMb = Math.max(busyMb, await residentMb(server));
    }
    return { readySeconds, idleMb, busyMb };
  } finally {
    const gone = once(server, "exit");
    server.kill("SIGTERM");
    await gone;
  }
}

/** As people start it: its first line names the runtime, and how. */
const serve = (lab: Lab): ChildProcess =>
  spawn(cli, ["serve"], {
    env: { ...process.env, ...lab.environment, PATH: path, HTTP_PORT: String(port), LOG_LEVEL: "error" },
    stdio: ["ignore", "ignore", "inherit"],
  });

async function untilReady(): Promise<void> {
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await pause(10);
  }
}

/** Memory a process holds, in megabytes, as the kernel counts it. */
async function residentMb({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
}
