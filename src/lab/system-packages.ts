import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { UserError } from "../errors.ts";
import { findPostgres } from "../embedded/binaries.ts";

/** What the lab and the suite use of the machine, by the name of Debian's package, and how it is found. */
const found = {
  postgresql: () => findPostgres(process.env["PATH"]) !== undefined,
  "redis-server": () => findProgram("redis-server") !== undefined,
  chromium: () => ["chromium", "chromium-browser", "google-chrome"].some((name) => findProgram(name) !== undefined),
} as const;

export type SystemPackage = keyof typeof found;

/**
 * Makes sure that programs of the machine are there: finds them, or installs Debian's packages when this process is root.
 *
 * @throws UserError that names the one command to type, where it may not install.
 */
export async function ensurePackages(wanted: readonly SystemPackage[], say = sayOnStderr): Promise<void> {
  const absent = wanted.filter((name) => !found[name]());
  if (absent.length === 0) return;
  const command = ["apt-get", "install", "--yes", "--no-install-recommends", ...absent];
  if (process.getuid?.() !== 0 || !findProgram("apt-get")) throw mustInstall(absent, command);
  say(`Installing ${absent.join(", ")} with apt-get; this machine does not have it yet.`);
  // Several labs may start at once on a new machine; apt-get itself refuses to wait for another's lists.
  await run(["flock", lockFile, "apt-get", "update", "-q"]);
  await run(["flock", lockFile, ...command]);
  const still = absent.filter((name) => !found[name]());
  if (still.length > 0) throw mustInstall(still, command);
}

/** Finds a program on the PATH, or returns undefined. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).concat("/usr/bin", "/usr/sbin");
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

const lockFile = "/run/muster-lab-apt.lock";

function mustInstall(absent: readonly string[], command: readonly string[]): UserError {
  return new UserError({
    happened: `This machine does not have ${absent.join(" and ")}.`,
    means: "The lab was not opened, and nothing was started.",
    todo: `Type: sudo ${command.join(" ")}`,
  });
}

function run([program = "", ...words]: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) return resolve();
      const lines = said.trim().split("\n").slice(-3).join(" ");
      reject(
        new UserError({
          happened: `${program} ${words.join(" ")} ended with ${code}: ${lines}`,
          means: "The lab was not opened; packages installed before this one stay.",
          todo: "Install what is named above by hand, then start the lab again.",
        }),
      );
    });
  });
}

function sayOnStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
