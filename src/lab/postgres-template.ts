import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { rename, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";
import { UserError } from "../errors.ts";
import type { PostgresBinaries } from "../embedded/binaries.ts";
import { openServerFolder } from "./postgres-folder.ts";
import { startServer } from "../embedded/process.ts";

/** What a data directory holds before its server first starts. */
export type Recipe = {
  name: string;
  /** Statements to run, database by database. */
  statements: readonly { database: string; sql: string }[];
  /** What is done after them by other means, to the server whose socket is in that folder; and all texts that this is made of. */
  afterwards?: { texts: readonly string[]; work: (socketFolder: string) => Promise<void> };
};

export const superuser = { user: "postgres", password: "lab-postgres" } as const;

const run = promisify(execFile);

/** Raise it when what this file does to a data directory changes: older templates are then left alone. */
const generation = 1;

/** Makes a data directory: a copy of a template that each machine, version and recipe makes once. */
export async function copyTemplate(binaries: PostgresBinaries, recipe: Recipe, dataDir: string): Promise<void> {
  const template = await templateOf(binaries, recipe);
  await run("cp", ["-a", "--reflink=auto", template, dataDir], { cwd: "/", ...binaries.user });
}

/** Templates that this process makes at this moment: a lab of many databases wants the same one many times at once. */
const underWay = new Map<string, Promise<string>>();

async function templateOf(binaries: PostgresBinaries, recipe: Recipe): Promise<string> {
  const key = createHash("sha256")
    .update(JSON.stringify([generation, recipe]))
    .digest("hex")
    .slice(0, 12);
  const owner = binaries.user?.uid ?? process.getuid?.() ?? 0;
  const final = join(tmpdir(), `muster-lab-template-${recipe.name}-${binaries.version}-${owner}-${key}`);
  if (await belongsTo(final, owner)) return final;
  const known = underWay.get(final);
  if (known) return known;
  const making = makeTemplate(binaries, recipe, { final, owner }).finally(() => underWay.delete(final));
  underWay.set(final, making);
  return making;
}

async function makeTemplate(
  binaries: PostgresBinaries,
  recipe: Recipe,
  { final, owner }: { final: string; owner: number },
): Promise<string> {
  // Beside where it will stay: a folder is renamed within one file system only.
  const scratch = await openServerFolder(binaries, dirname(final));
  try {
    const made = join(scratch.path, "data");
    await initialise(binaries, recipe, scratch.path, made);
    // Several labs may start at once: the first to rename wins, and the others use what it made.
    await rename(made, final).catch(async (error: unknown) => {
      if (!(await belongsTo(final, owner))) throw error;
    });
    return final;
  } finally {
    await scratch.remove();
  }
}

/** A template has a name that others could guess: one that is not ours is not used. */
async function belongsTo(path: string, owner: number): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (!found) return false;
  if (found.uid === owner) return true;
  throw new UserError({
    happened: `${path} belongs to user ${found.uid}, not to user ${owner}.`,
    means: "Its contents cannot be trusted; the lab was not opened.",
    todo: "Remove that folder, then start the lab again.",
  });
}

async function initialise(binaries: PostgresBinaries, recipe: Recipe, scratch: string, dataDir: string) {
  const passwordFile = join(scratch, "password");
  await writeFile(passwordFile, superuser.password, { mode: 0o644 });
  await run(
    join(binaries.folder, "initdb"),
    ["-D", dataDir, "-U", superuser.user, `--pwfile=${passwordFile}`, "--auth=scram-sha-256", "--encoding=UTF8"]
      // Small segments keep a template small, and so quick to copy.
      .concat(["--no-locale", "--wal-segsize=1"]),
    { cwd: "/", ...binaries.user },
  );
  await writeFile(join(dataDir, "pg_hba.conf"), hostAccess, { mode: 0o600 });
  const server = await startServer(binaries, dataDir, { listen_addresses: "", unix_socket_directories: scratch });
  try {
    for (const { database, sql } of recipe.statements) await execute(scratch, database, sql);
    await recipe.afterwards?.work(scratch);
  } finally {
    await server.stop("fast");
  }
}

async function execute(socketFolder: string, database: string, sql: string): Promise<void> {
  const client = new pg.Client({ host: socketFolder, port: 5432, database, ...superuser });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

const hostAccess = `local all         all        scram-sha-256
host  all         all        127.0.0.0/8 scram-sha-256
host  replication replicator 127.0.0.0/8 scram-sha-256
`;
