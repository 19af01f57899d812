/**
 * Outlives the lab by a moment: a lab that was killed cannot stop its servers. Reads folders from stdin, one a line
 * ("-" before a folder that needs no care any more), and when stdin ends, ends their servers and removes the folders.
 */
import { rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { childrenOf, isAlive, serversIn, signal } from "../embedded/processes.ts";

const folders = new Set<string>();
const stopSeconds = 6;

for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith("-")) folders.delete(line.slice(1));
  else folders.add(line);
}

const servers = [...folders].flatMap(serversIn);
const everyone = servers.flatMap((pid) => [pid, ...childrenOf(pid)]);
// Quit before kill, because a killed server leaves its shared memory behind; frozen ones must wake up to obey.
for (const pid of servers) signal(pid, "SIGQUIT");
for (const pid of everyone) signal(pid, "SIGCONT");

for (let waited = 0; waited < stopSeconds && everyone.some(isAlive); waited += 0.05) await setTimeout(50);
for (const pid of everyone) signal(pid, "SIGKILL");
for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
