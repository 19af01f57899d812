import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { setTimeout as pause } from "node:timers/promises";
import { ensurePackages, findProgram } from "./system-packages.ts";

/** A real Redis, empty, that keeps on disk only what it is told to. */
export type Redis = AsyncDisposable & {
  url: string;
  /** Gives it a command in one line, and returns the reply as it came. */
  tell(command: string): Promise<string>;
  /** Empties it, as a person does by mistake. */
  wipe(): Promise<void>;
  /** Keeps what it holds now: what it comes back with when it was killed. */
  keep(): Promise<void>;
  /** Stops it without a word to those who are connected; its port stays free for nobody. */
  kill(): Promise<void>;
  /** Stops it as a machine does that hangs: its sockets stay open, and nothing answers. */
  freeze(): void;
  /** Lets it go on. */
  thaw(): void;
  /** Starts it again where it was, with what was kept last, else empty. */
  start(): Promise<void>;
};

/** Starts a Redis for the queue of one lab. */
export async function openRedis(): Promise<Redis> {
  await ensurePackages(["redis-server"]);
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), "muster-redis-"));
  const settings = ["--port", String(port), "--bind", host, "--save", "", "--appendonly", "no", "--dir", folder];
  const words = [...settings, "--maxmemory-policy", "noeviction"];
  let redis = await startServer(words);
  const tell = (command: string) => tellServer(port, command);
  return {
    url: `redis://${host}:${port}`,
    tell,
    wipe: async () => void (await tell("FLUSHALL")),
    keep: async () => void (await tell("SAVE")),
    kill: () => killServer(redis),
    freeze: () => void redis.kill("SIGSTOP"),
    thaw: () => void redis.kill("SIGCONT"),
    start: async () => {
      redis = await startServer(words);
    },
    async [Symbol.asyncDispose]() {
      await killServer(redis);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export const host = "127.0.0.1";

/** Starts redis-server, which may be a sentinel, and waits until it is ready. */
export async function startServer(words: readonly string[]): Promise<ChildProcess> {
  const server = spawn(findProgram("redis-server") ?? "redis-server", words, { stdio: ["ignore", "pipe", "inherit"] });
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  let said = "";
  // It is read to the end: what nobody reads would hold the server up.
  server.stdout.on("data", (chunk: Buffer) => {
    if (said.length > 100_000) return;
    said += chunk.toString();
    if (/Ready to accept connections|Sentinel ID is/.test(said)) resolve();
  });
  server.once("exit", (code) => reject(new Error(`redis-server ended with status ${code ?? "none"}:\n${said}`)));
  await ready;
  return server;
}

/** Kills a server, and waits until it is gone. */
export async function killServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, "exit");
  server.kill("SIGKILL");
  await gone;
}

/** Gives a server a command in one line, and returns the reply as it came. */
export async function tellServer(
  port: number,
  command: string,
  { password, ca }: { password?: string; ca?: string | undefined } = {},
): Promise<string> {
  const socket = ca === undefined ? connect(port, host) : connectTls({ port, host, ca });
  const { promise: answered, resolve, reject } = Promise.withResolvers<void>();
  let reply = "";
  socket.on("data", (chunk: Buffer) => {
    reply += chunk.toString();
    if (reply.endsWith(end)) resolve();
  });
  socket.once("error", reject);
  socket.once("close", () => reject(new Error("Redis hung up")));
  // A ping behind it tells where its reply ends.
  socket.write(`${password === undefined ? "" : `AUTH ${password}\r\n`}${command}\r\nPING\r\n`);
  await answered.finally(() => socket.destroy());
  return reply.slice(password === undefined ? 0 : "+OK\r\n".length, -end.length);
}

const end = "+PONG\r\n";

/** Finds a port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** The newest event of the queue there, by its id; "0" where there is none. */
export async function newestRing({ tell }: Pick<Redis, "tell">): Promise<string> {
  return /\d+-\d+/.exec(await tell("XREVRANGE bull:muster-wake:events + - COUNT 1"))?.[0] ?? "0";
}

/** Tells whether somebody answered a ring after that event. */
export async function wasAnswered({ tell }: Pick<Redis, "tell">, after: string): Promise<boolean> {
  return (await tell(`XRANGE bull:muster-wake:events (${after} +`)).includes("completed");
}

/** Waits on the wall, as long as a busy machine may need: Redis, its clients and its sentinels have no other clock. */
export async function untilRedis(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`${what}: not so within a minute`);
    await pause(50);
  }
}
