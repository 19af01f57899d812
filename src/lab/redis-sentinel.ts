import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, host, killServer, startServer, tellServer, untilRedis } from "./redis.ts";
import type { Authority } from "./certificates.ts";
import { ensurePackages } from "./system-packages.ts";

/** Two real Redis servers, of which one follows the other, and three sentinels that put it in the other's place. */
export type WatchedRedis = AsyncDisposable & {
  /** What a server of Muster is told about them. */
  settings: Record<string, string>;
  /** The master that the sentinels name now. */
  master(): Promise<number>;
  /** Gives the master a command in one line, and returns the reply. */
  tell(command: string): Promise<string>;
  /** Kills the master, and waits until the sentinels name the other. */
  loseMaster(): Promise<void>;
  /** Kills so many sentinels. */
  loseSentinels(count: number): Promise<void>;
};

const name = "doorbell";
const password = "lab-redis";
const sentinelPassword = "lab-sentinel";
/** Wall milliseconds after which a silent master counts as lost. */
const downAfterMs = 1_000;

/** Starts them, over TLS where an authority signs for them, and waits until the sentinels know each other and who follows. */
export async function openWatchedRedis({ authority }: { authority?: Authority } = {}): Promise<WatchedRedis> {
  await ensurePackages(["redis-server"]);
  const folder = await mkdtemp(join(tmpdir(), "muster-sentinel-"));
  const [first, second, ...ports] = await freePorts(5);
  const servers = new Map<number, ChildProcess>();
  const ca = authority?.cert;
  const encrypted = authority ? await writeCertificate(authority, folder) : [];
  const start = async (port: number, lines: string[], ...words: string[]) => {
    const file = join(folder, `${port}.conf`);
    const ports = authority ? ["port 0", `tls-port ${port}`, ...encrypted] : [`port ${port}`];
    const own = [...ports, `bind ${host}`, `dir ${folder}`, "maxclients 200", ...lines];
    await writeFile(file, `${own.join("\n")}\n`);
    servers.set(port, await startServer([file, ...words]));
  };
  const keepsNothing = ['save ""', "appendonly no", `dbfilename none.rdb`, "repl-diskless-sync-delay 0"];
  const redis = [...keepsNothing, "maxmemory-policy noeviction", `requirepass ${password}`, `masterauth ${password}`];
  const sentinel = [
    `requirepass ${sentinelPassword}`,
    `sentinel sentinel-pass ${sentinelPassword}`,
    `sentinel monitor ${name} ${host} ${first} 2`,
    `sentinel auth-pass ${name} ${password}`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} 5000`,
  ];
  const close = async () => {
    await Promise.all([...servers.values()].map(killServer));
    await rm(folder, { recursive: true, force: true });
  };
  const alive = () => ports.filter((port) => servers.has(port));
  const ask = (port: number, command: string) =>
    tellServer(port, `SENTINEL ${command}`, { password: sentinelPassword, ca });
  const master = async () => {
    const [port = 0] = alive();
    // Two strings: the address and the port.
    return Number((await ask(port, `GET-MASTER-ADDR-BY-NAME ${name}`)).trimEnd().split("\r\n").at(-1));
  };
  try {
    await start(first, redis);
    await start(second, [...redis, `replicaof ${host} ${first}`]);
    for (const port of ports) await start(port, sentinel, "--sentinel");
    await untilRedis("every sentinel knows the others, and who follows", async () => {
      const known = await Promise.all(ports.map((port) => ask(port, `MASTER ${name}`)));
      return known.every((text) => /num-other-sentinels\r\n\$1\r\n2/.test(text) && /num-slaves\r\n\$1\r\n1/.test(text));
    });
  } catch (error) {
    await close();
    throw error;
  }
  return {
    settings: {
      REDIS_SENTINELS: ports.map((port) => `${host}:${port}`).join(","),
      REDIS_MASTER: name,
      REDIS_PASSWORD: password,
      REDIS_SENTINEL_PASSWORD: sentinelPassword,
      ...(authority ? { REDIS_TLS: "on", EXTRA_CA_FILE: join(folder, "ca.pem") } : {}),
    },
    master,
    tell: async (command) => tellServer(await master(), command, { password, ca }),
    async loseMaster() {
      const lost = await master();
      const server = servers.get(lost);
      if (server) await killServer(server);
      await untilRedis("the sentinels name another master", async () => (await master()) !== lost);
      await untilRedis("it takes writes", async () =>
        (await tellServer(await master(), "ROLE", { password, ca })).includes("master"),
      );
    },
    async loseSentinels(count) {
      for (const port of alive().slice(-count)) {
        const server = servers.get(port);
        servers.delete(port);
        if (server) await killServer(server);
      }
    },
    [Symbol.asyncDispose]: close,
  };
}

async function writeCertificate(authority: Authority, folder: string): Promise<string[]> {
  const { cert, key } = await authority.issue({ addresses: [host] });
  const write = async (setting: string, name: string, text: string) => {
    await writeFile(join(folder, name), text);
    return `${setting} ${join(folder, name)}`;
  };
  return [
    await write("tls-ca-cert-file", "ca.pem", authority.cert),
    await write("tls-cert-file", "server.pem", cert),
    await write("tls-key-file", "server.key", key),
    "tls-replication yes",
    "tls-auth-clients no",
  ];
}

async function freePorts(count: number): Promise<[number, number, ...number[]]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports] as [number, number, ...number[]];
}
