export type Lockfile = { packages: Record<string, LockedPackage> };
export type LockedPackage = {
  version?: string;
  dev?: boolean;
  optional?: boolean;
  cpu?: string[];
  os?: string[];
  libc?: string[];
  optionalDependencies?: Record<string, string>;
  hasInstallScript?: boolean;
};

/** Lists the optional packages that a lockfile asks for and does not hold. `npm ci` refuses such a lockfile. */
export function missingFromLockfile(lock: Lockfile) {
  return Object.entries(lock.packages).flatMap(([place, parent]) =>
    Object.entries(parent.optionalDependencies ?? {})
      .filter(([name]) => !lock.packages[`node_modules/${name}`] && !lock.packages[`${place}/node_modules/${name}`])
      .map(([name, version]) => ({ name, version, parent })),
  );
}

/** Lists the locked packages whose install script nobody has allowed or denied. An install stops at such a package. */
export function unreviewedScripts(lock: Lockfile, allowScripts: Record<string, boolean>): string[] {
  return Object.entries(lock.packages)
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([place]) => place.split("node_modules/").at(-1) ?? place)
    .filter((name) => !(name in allowScripts));
}
