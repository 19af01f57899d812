import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { delimiter, dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { west } from "./estate.ts";
import { openLab, type Lab } from "./lab.ts";
import { insertLongRuns } from "./long-runs.ts";

const cli = fileURLToPath(new URL("../cli.ts", import.meta.url));
const port = 18_080;
/** On which the first "node" is the one that runs this. */
const path = [dirname(process.execPath), process.env["PATH"]].join(delimiter);

export type ServerFigures = { readySeconds: number; idleMb: number; busyMb: number };

/**
 * Starts `muster serve` beside its database, and tells how soon it is ready and what it holds: idle, and with 50 runs at once after
 * somebody had it look at a whole move.
 */
export async function measureServer(): Promise<ServerFigures> {
  await using lab = await openLab({ rate: 1, serve: false });
  const startedAt = performance.now();
  const server = serve(lab);
  try {
    await untilReady();
    const readySeconds = (performance.now() - startedAt) / 1000;
    await pause(5000);
    const idleMb = await residentMb(server);
    await lookAtMove(lab);
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

/**
 * Has somebody look at a move without making it, so that the server has loaded, and used, all that it speaks to AWS, Kubernetes
 * and databases with: the runs that follow only ask a health page. @throws Error when it was not answered within a minute
 */
async function lookAtMove({ slack, log }: Lab): Promise<void> {
  const limit = performance.now() + 60_000;
  const until = async (isSo: () => boolean) => {
    while (!isSo()) {
      if (performance.now() > limit) throw new Error("the server did not look at a move");
      await pause(10);
    }
  };
  await until(() => slack.sockets.connections > 0);
  await slack.types("U01", "#incident-response", `/failover ${west} checkout --dry-run`);
  await until(() => slack.ephemerals("U01").some(({ text }) => text.includes("This was a dry run")));
  const asked = (server: RegExp) => log.all.some((request) => server.test(request.server));
  await until(() => [/^rds$/, /^route53$/, /^kubernetes-/].every(asked));
}

/** Memory a process holds, in megabytes, as the kernel counts it. */
async function residentMb({ pid }: ChildProcess): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
}
