import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { openSync, closeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { PostgresBinaries } from "./binaries.ts";
import { childrenOf, readText, signal } from "./processes.ts";

/** smart waits for the clients to leave, fast ends them, immediate is a crash: the next start recovers from the log. */
export type StopMode = "smart" | "fast" | "immediate";

export type ServerSettings = Record<string, string | number>;

/** One running Postgres: the postmaster and its children. */
export type ServerProcess = {
  pid: number;
  exited(): boolean;
  stop(mode: StopMode): Promise<void>;
  /** Stops the whole server where it stands, as a virtual machine that is paused: connections stay, nothing answers. */
  freeze(): void;
  thaw(): void;
  /** Reads postgresql.conf and standby settings again. */
  reload(): void;
};

const stopSignals = { smart: "SIGTERM", fast: "SIGINT", immediate: "SIGQUIT" } as const;

/** How long a start may take on the wall; a crashed server recovers first. */
const startSeconds = 30;

/** Starts a server on a data directory and waits until it takes connections. */
export async function startServer(
  binaries: PostgresBinaries,
  dataDir: string,
  settings: ServerSettings,
): Promise<ServerProcess> {
  const logPath = join(dataDir, "server.log");
  const log = openSync(logPath, "a");
  const given = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawn(join(binaries.folder, "postgres"), ["-D", dataDir, ...given], {
    stdio: ["ignore", log, log],
    cwd: "/",
    // Ctrl-C in a terminal is for whoever started the server to handle, in its own order.
    detached: true,
    ...binaries.user,
  });
  closeSync(log);
  // Until the spawn is settled there is neither a pid nor an exit to wait for.
  await once(child, "spawn");
  await waitUntilReady(child, dataDir, logPath);
  child.unref();
  return asServer(child);
}

async function waitUntilReady(child: ChildProcess, dataDir: string, logPath: string): Promise<void> {
  const giveUpAt = performance.now() + startSeconds * 1000;
  while (performance.now() < giveUpAt) {
    const lines = readText(join(dataDir, "postmaster.pid")).split("\n");
    // pg_ctl reads the same line: "ready", or "standby" when it is a replica that takes readers.
    if (Number(lines[0]) === child.pid && /^(ready|standby)/.test(lines[7] ?? "")) return;
    if (child.exitCode !== null || child.signalCode !== null) break;
    await setTimeout(5);
  }
  child.kill("SIGKILL");
  const said = readText(logPath).trim().split("\n").slice(-5).join("\n");
  throw new Error(`The Postgres server in ${dataDir} did not start. Nobody can use it. Read what it said:\n${said}`);
}

function asServer(child: ChildProcess): ServerProcess {
  const pid = child.pid ?? 0;
  const exited = () => child.exitCode !== null || child.signalCode !== null;
  const everyone = () => [pid, ...childrenOf(pid)];
  const thaw = () => {
    for (const each of everyone()) signal(each, "SIGCONT");
  };
  return {
    pid,
    exited,
    thaw,
    // The postmaster first, so that it starts no child behind the list.
    freeze: () => {
      signal(pid, "SIGSTOP");
      for (const each of everyone()) signal(each, "SIGSTOP");
    },
    reload: () => signal(pid, "SIGHUP"),
    stop: async (mode) => {
      if (exited()) return;
      const gone = once(child, "exit");
      child.ref();
      signal(pid, stopSignals[mode]);
      thaw();
      await gone;
    },
  };
}
