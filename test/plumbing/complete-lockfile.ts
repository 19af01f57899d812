/**
 * Completes package-lock.json after an install from a registry that holds only this platform's binaries: `npm install`
 * then leaves out the optional packages of every other platform, and `npm ci` refuses the lockfile everywhere.
 * Run it with `npm run lockfile`; test/house.test.ts says when it is needed.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { missingFromLockfile, type Lockfile } from "./lockfile.ts";

const path = "package-lock.json";
const lock = JSON.parse(readFileSync(path, "utf8")) as Lockfile;
const missing = missingFromLockfile(lock);
for (const { name, version, parent } of missing) {
  const platform = platformOf(name);
  lock.packages[`node_modules/${name}`] = {
    version,
    ...platform,
    ...(parent.dev ? { dev: true } : {}),
    optional: true,
  };
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, "en")));
writeFileSync(path, JSON.stringify(lock, null, 2) + "\n");
console.log(`${missing.length} optional packages of other platforms were added to ${path}.`);

/** Reads the platform out of a binary package's name, such as `@oxlint/binding-linux-arm64-musl`. */
function platformOf(name: string): { cpu: string[]; os: string[]; libc?: string[] } {
  const found = /(android|darwin|freebsd|linux|openharmony|win32)-([a-z0-9]+)(?:-([a-z]+))?$/.exec(name);
  const [, os, cpu, abi] = found ?? [];
  if (!os || !cpu) throw new Error(`The name ${name} does not say which platform it is for.`);
  const libc =
    os !== "linux" ? undefined : abi?.startsWith("musl") ? "musl" : abi?.startsWith("gnu") ? "glibc" : undefined;
  return { cpu: [cpu], os: [os], ...(libc ? { libc: [libc] } : {}) };
}
