import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { UserError } from "../errors.ts";

/** The machine's own Postgres, and the user its servers run as. */
export type PostgresBinaries = {
  /** Folder of initdb and postgres. */
  folder: string;
  /** "15.18". */
  version: string;
  /** Set when this process is root, as whom Postgres refuses to run. */
  user?: { uid: number; gid: number };
};

/** Finds the newest Postgres of this machine, `searchPath` being its PATH, or undefined when it has none. */
export function findPostgres(searchPath: string | undefined): PostgresBinaries | undefined {
  const folder = candidates(searchPath ?? "").find(
    (bin) => existsSync(join(bin, "initdb")) && existsSync(join(bin, "postgres")),
  );
  if (!folder) return undefined;
  const printed = execFileSync(join(folder, "postgres"), ["--version"], { encoding: "utf8" });
  const version = /\d+(\.\d+)?/.exec(printed)?.[0] ?? "unknown";
  const user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  return { folder, version, ...(user && { user }) };
}

function candidates(searchPath: string): string[] {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).filter((name) => /^\d+$/.test(name)) : [];
  versions.sort((a, b) => Number(b) - Number(a));
  const onPath = searchPath.split(delimiter).filter(Boolean);
  return [...versions.map((version) => join(debian, version, "bin")), ...onPath, ...askPgConfig(onPath)];
}

function askPgConfig(onPath: string[]): string[] {
  const pgConfig = onPath.map((folder) => join(folder, "pg_config")).find((path) => existsSync(path));
  if (!pgConfig) return [];
  return [execFileSync(pgConfig, ["--bindir"], { encoding: "utf8", cwd: dirname(pgConfig) }).trim()];
}

function unprivilegedUser(): { uid: number; gid: number } {
  const entries = readFileSync("/etc/passwd", "utf8").split("\n");
  for (const name of ["postgres", "nobody"]) {
    const [, , uid, gid] = entries.find((line) => line.startsWith(`${name}:`))?.split(":") ?? [];
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new UserError({
    happened: "This machine has neither a user postgres nor a user nobody, and Postgres refuses to run as root.",
    means: "No Postgres was started, and nothing that needs one.",
    todo: "Start this as an ordinary user.",
  });
}
