import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PostgresServer } from "./postgres.ts";

/**
 * Counts how often a role's right to log in was really taken and given at a server, from the statements in its own log.
 * Taking it twice in a row is one change. A replica logs nothing of what it receives.
 */
export async function countLoginChanges(
  server: PostgresServer,
  role: string,
): Promise<{ taken: number; given: number }> {
  const log = await readFile(join(server.dataDir, "server.log"), "utf8");
  const statements = log.matchAll(new RegExp(`statement: alter role "?${role}"? (nologin|login)\\b`, "gi"));
  const changes = { taken: 0, given: 0 };
  let last: string | undefined;
  for (const [, deed = ""] of statements) {
    if (deed.toLowerCase() === last) continue;
    last = deed.toLowerCase();
    if (last === "nologin") changes.taken += 1;
    else changes.given += 1;
  }
  return changes;
}
