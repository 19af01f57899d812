import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { PostgresServer } from "./postgres.ts";

/** One statement about a role's right to log in, as a server's own log has it; `at` sorts as text. */
type LoginStatement = { at: string; deed: "login" | "nologin" };

/** Reads from a server's log when it was told to become a writer, each time that it began to; whoever told it. */
export async function promotionsOf({ dataDir }: PostgresServer): Promise<Date[]> {
  const log = await readFile(join(dataDir, "server.log"), "utf8");
  return [...log.matchAll(/^(\S+) (\S+) UTC .*received promote request$/gm)].map(
    ([, day, time]) => new Date(`${day}T${time}Z`),
  );
}

/** Reads from a server's log what it was told about a role's right to log in. A replica logs nothing of what it receives. */
async function loginStatements(server: PostgresServer, role: string): Promise<LoginStatement[]> {
  const log = await readFile(join(server.dataDir, "server.log"), "utf8");
  const lines = log.matchAll(new RegExp(`^(\\S+ \\S+) .*statement: alter role "?${role}"? (nologin|login)\\b`, "gim"));
  return [...lines].map(([, at = "", deed = ""]) => ({ at, deed: deed.toLowerCase() as LoginStatement["deed"] }));
}

/**
 * Counts how often a role's right to log in was really taken at the old writer and given at the new one: saying what is so
 * already changes nothing. The new writer begins with what the old one had said before it.
 */
export async function countLoginChanges(
  old: PostgresServer,
  current: PostgresServer,
  role: string,
): Promise<{ taken: number; given: number }> {
  const [before, after] = await Promise.all([loginStatements(old, role), loginStatements(current, role)]);
  const inherited = before.filter(({ at }) => at < (after[0]?.at ?? "")).at(-1)?.deed ?? "login";
  return { taken: countTurns(before, "nologin", "login"), given: countTurns(after, "login", inherited) };
}

function countTurns(statements: LoginStatement[], to: LoginStatement["deed"], from: LoginStatement["deed"]): number {
  return statements.filter(({ deed }, index) => deed === to && (statements[index - 1]?.deed ?? from) !== to).length;
}
