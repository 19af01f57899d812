import { spawn, type ChildProcess } from "node:child_process";
import { chown, mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PostgresBinaries } from "../embedded/binaries.ts";

/** A folder for data directories that is removed, its servers ended first, even when this process is killed. */
export type ServerFolder = { path: string; remove(): Promise<void> };

let watcher: ChildProcess | undefined;
let open = 0;

/** Where Linux keeps files in memory, how its file system is numbered there, and the room it must have for us to go in. */
const memory = { path: "/dev/shm", type: 0x01021994, room: 4 * 2 ** 30 };

/** Makes a folder, outside the clone, that the servers' user may enter: in memory if it can be, or in the folder that is asked for. */
export async function openServerFolder({ user }: PostgresBinaries, parent?: string): Promise<ServerFolder> {
  const path = await mkdtemp(join(parent ?? (await quickFolder()), "muster-lab-"));
  open += 1;
  tellWatcher(path);
  if (user) await chown(path, user.uid, user.gid);
  return {
    path,
    remove: async () => {
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
      tellWatcher(`-${path}`);
      open -= 1;
      if (open === 0) dismissWatcher();
    },
  };
}

/**
 * In memory where there is plenty: a data directory is a thousand small files, which a disk takes ten times as long to make.
 * What a server may lose when it is killed is the same there; only a machine that loses its power would show the difference.
 */
async function quickFolder(): Promise<string> {
  const found = await statfs(memory.path).catch(() => undefined);
  if (found?.type !== memory.type) return tmpdir();
  const room = Math.min(found.bavail * found.bsize, process.availableMemory());
  return room >= memory.room ? memory.path : tmpdir();
}

function tellWatcher(line: string): void {
  if (!watcher || watcher.exitCode !== null) watcher = startWatcher();
  watcher.stdin?.write(`${line}\n`);
}

/** A process may open labs all day; a watcher with nothing to watch would only take memory. */
function dismissWatcher(): void {
  watcher?.stdin?.end();
  watcher = undefined;
}

/** In its own session: Ctrl-C in the terminal of a lab must not end its watcher first. */
function startWatcher(): ChildProcess {
  const script = fileURLToPath(new URL("./postgres-watcher.ts", import.meta.url));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: process.env["PATH"] },
    cwd: "/",
  });
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return child;
}
