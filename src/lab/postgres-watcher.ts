/**
 * Outlives the lab by a moment: a lab that was killed cannot stop its servers. Reads folders from stdin, one a line
 * ("-" before a folder that needs no care any more), and when stdin ends, ends their servers and removes the folders.
 */
import { readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { childrenOf, signal } from "./postgres-processes.ts";

const folders = new Set<string>();

for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith("-")) folders.delete(line.slice(1));
  else folders.add(line);
}

for (const folder of folders) {
  for (const server of serversIn(folder)) {
    // The kill reaches frozen servers too; their children may not notice that the postmaster is gone.
    const children = childrenOf(server);
    for (const pid of [server, ...children]) signal(pid, "SIGKILL");
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

function serversIn(folder: string): number[] {
  const found: number[] = [];
  for (const name of readFolder(folder)) {
    const firstLine = readText(join(folder, name, "postmaster.pid")).split("\n", 1)[0];
    if (firstLine) found.push(Number(firstLine));
  }
  return found;
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "";
    throw error;
  }
}
