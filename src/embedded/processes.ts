import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Lists the children of a process. Postgres gives each its own session, so no process group reaches them all. */
export function childrenOf(pid: number): number[] {
  return readText(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

/** Lists the Postgres servers that run from a data directory directly inside a folder. */
export function serversIn(folder: string): number[] {
  const pids = readNames(folder).map((name) => serverPid(join(folder, name)));
  return pids.filter((pid) => pid !== undefined);
}

/** Tells the process that serves a data directory now, or undefined when none does. */
export function serverPid(dataDir: string): number | undefined {
  const pid = Number(readText(join(dataDir, "postmaster.pid")).split("\n", 1)[0]);
  // A killed server leaves its file behind, and its number may be another program's by now.
  return pid > 0 && readText(`/proc/${pid}/cmdline`).includes(dataDir) ? pid : undefined;
}

/** Tells whether a process still runs; one that only waits to be reaped does not. */
export function isAlive(pid: number): boolean {
  const stat = readText(`/proc/${pid}/stat`);
  return stat !== "" && stat[stat.lastIndexOf(")") + 2] !== "Z";
}

/** Sends a signal to a process; one that is gone already is as good. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** Reads a small file; one that is not there reads as empty. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isGone(error)) return "";
    throw error;
  }
}

function readNames(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return ["ENOENT", "ESRCH", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
}
