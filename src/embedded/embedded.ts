import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as wallMilliseconds } from "node:timers/promises";
import { promisify } from "node:util";
import { UserError } from "../errors.ts";
import { findPostgres, type PostgresBinaries } from "./binaries.ts";
import { isAlive, serverPid, signal } from "./processes.ts";
import { startServer } from "./process.ts";

/** A Postgres of Muster's own, for trying out. */
export type Embedded = {
  /** With the password in it. */
  databaseUrl: string;
  /** A file that only this user can read, and that holds that address while the server runs. */
  urlFile: string;
  close(): Promise<void>;
};

const run = promisify(execFile);

const role = "muster";
/** How long a server that a killed Muster left behind may take to end, in wall seconds. */
const endingSeconds = 30;

/**
 * Starts a Postgres whose data is in a folder, made when it is not there; only this machine reaches it, by a password that is in
 * the folder too. One process at a time has a folder. Nobody keeps a copy of what is in it: it is for trying out.
 *
 * `searchPath` is where the machine's programs are looked for, as in PATH.
 *
 * @throws UserError when this machine has no Postgres, another process has the folder, or it is no folder of ours.
 */
export async function openEmbedded(given: string, searchPath: string | undefined): Promise<Embedded> {
  const folder = resolve(given);
  const binaries = findPostgres(searchPath);
  if (!binaries) throw noPostgres();
  await makeFolder(folder, binaries);
  const [dataDir, pidFile, urlFile] = ["postgres", "muster.pid", "database-url"].map((name) => join(folder, name));
  if (!dataDir || !pidFile || !urlFile) throw new Error("a folder has three names");
  await takeFolder(folder, pidFile);
  const release = () => Promise.all([pidFile, urlFile].map((path) => rm(path, { force: true })));
  try {
    const password = await initialise(binaries, folder, dataDir);
    await endLeftover(dataDir);
    const port = await freePort();
    const server = await startServer(binaries, dataDir, {
      listen_addresses: "127.0.0.1",
      port,
      unix_socket_directories: "",
    });
    const databaseUrl = `postgres://${role}:${password}@127.0.0.1:${port}/postgres`;
    await writeFile(urlFile, `${databaseUrl}\n`, { mode: 0o600 });
    return {
      databaseUrl,
      urlFile,
      async close() {
        await server.stop("fast");
        await release();
      },
    };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Makes the folder where it is not there yet; one that is there stays as it is. */
async function makeFolder(folder: string, { user }: PostgresBinaries): Promise<void> {
  // Postgres does not run as root; whoever it runs as must reach its own directory.
  const mode = user ? 0o711 : 0o700;
  try {
    const made = await mkdir(folder, { recursive: true, mode });
    // What the umask took away of it.
    if (made !== undefined) await chmod(folder, mode);
    else if (user && ((await stat(folder)).mode & 0o001) === 0) throw notForPostgres(folder);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw notUsable(folder, (error as NodeJS.ErrnoException).code ?? String(error));
  }
}

/** Writes down who has the folder. A process that was killed has it no more. */
async function takeFolder(folder: string, pidFile: string): Promise<void> {
  for (let tries = 0; tries < 2; tries += 1) {
    const taken = await writeFile(pidFile, String(process.pid), { flag: "wx", mode: 0o600 }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "EEXIST") return false;
        throw notUsable(folder, error.code ?? error.message);
      },
    );
    if (taken) return;
    const owner = Number(await readFile(pidFile, "utf8").catch(() => ""));
    if (owner > 0 && owner !== process.pid && isAlive(owner)) throw inUse(folder, owner);
    await rm(pidFile, { force: true });
  }
  throw inUse(folder, undefined);
}

/**
 * Makes the data directory where it is not there yet. Returns the password of its role. Only what a Muster began to make and did
 * not finish is thrown away: a mark in the folder says so, from before it begins until the password is kept.
 */
async function initialise(binaries: PostgresBinaries, folder: string, dataDir: string): Promise<string> {
  const [passwordFile, mark] = [join(folder, "password"), join(folder, "initialising")];
  const known = await readFile(passwordFile, "utf8").catch(() => undefined);
  if (known) {
    await rm(mark, { force: true });
    return known.trim();
  }
  const begun = await stat(mark).then(
    () => true,
    () => false,
  );
  if (begun) await rm(dataDir, { recursive: true, force: true });
  else if (!(await isFree(dataDir))) throw notOurs(folder, dataDir);
  await writeFile(mark, "");
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const password = randomBytes(24).toString("base64url");
  const scratch = join(dataDir, "..", "initdb-password");
  await writeFile(scratch, password, { mode: 0o600 });
  if (binaries.user) {
    for (const path of [dataDir, scratch]) await chown(path, binaries.user.uid, binaries.user.gid);
  }
  await run(
    join(binaries.folder, "initdb"),
    ["-D", dataDir, "-U", role, `--pwfile=${scratch}`, "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale"],
    { cwd: "/", ...binaries.user },
  ).catch((error: { stderr?: string }) => {
    throw notUsable(folder, `initdb says: ${error.stderr?.trim().split("\n").at(-1) ?? "nothing"}`);
  });
  await rm(scratch);
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await rm(mark);
  return password;
}

/** Whether nothing is there, or an empty folder. */
const isFree = (path: string): Promise<boolean> =>
  readdir(path).then(
    (names) => names.length === 0,
    (error: NodeJS.ErrnoException) => error.code === "ENOENT",
  );

/** Ends a server that is still there because its Muster was killed. */
async function endLeftover(dataDir: string): Promise<void> {
  const pid = serverPid(dataDir);
  if (pid === undefined) return;
  signal(pid, "SIGINT");
  for (let waited = 0; isAlive(pid) && waited < endingSeconds; waited += 0.1) await wallMilliseconds(100);
}

/** A port that nobody listens at; the server itself says so if somebody is quicker. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening, failed) => {
    server.once("error", failed).listen(0, "127.0.0.1", listening);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

const noPostgres = (): UserError =>
  new UserError({
    happened: "This machine has no Postgres (initdb and postgres were not found).",
    means: "Muster did not start: --embedded starts a Postgres of its own from the machine's programs.",
    todo: "Install the package postgresql, or leave --embedded out and set DATABASE_URL.",
  });

const inUse = (folder: string, owner: number | undefined): UserError =>
  new UserError({
    happened: `Another Muster${owner === undefined ? "" : ` (process ${owner})`} has ${folder}.`,
    means: "Nothing was started; that one goes on.",
    todo: `For a second one on the same data, set DATABASE_URL to what ${join(folder, "database-url")} holds, without --embedded.`,
  });

const notUsable = (folder: string, why: string): UserError =>
  new UserError({
    happened: `${folder} cannot be used as a data folder (${why}).`,
    means: "Nothing was started.",
    todo: "Name a folder that this user may make and write to.",
  });

const notOurs = (folder: string, dataDir: string): UserError =>
  new UserError({
    happened: `${dataDir} is there already, and no Muster made it: ${folder} has no password for it.`,
    means: "Nothing was started, and what is in it was left alone.",
    todo: "Name a folder that is empty or not there yet. If a Muster was stopped while it made this one, remove it yourself.",
  });

const notForPostgres = (folder: string): UserError =>
  new UserError({
    happened: `${folder} lets nobody but its owner in, and Postgres does not run as root.`,
    means: "Nothing was started, and the folder's rights were left alone.",
    todo: `Name a folder that is not there yet, or type chmod o+x ${folder}.`,
  });
