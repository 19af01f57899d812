import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { ensurePackages, findProgram } from "./system-packages.ts";

/** A real Redis, empty, that keeps nothing on disk. */
export type Redis = AsyncDisposable & {
  url: string;
  /** Empties it, as a person does by mistake. */
  wipe(): Promise<void>;
  /** Stops it without a word to those who are connected; its port stays free for nobody. */
  kill(): Promise<void>;
};

/** Starts a Redis for the queue of one lab. */
export async function openRedis(): Promise<Redis> {
  await ensurePackages(["redis-server"]);
  const port = await freePort();
  const settings = ["--port", String(port), "--bind", host, "--save", "", "--appendonly", "no"];
  const redis = spawn(
    findProgram("redis-server") ?? "redis-server",
    [...settings, "--maxmemory-policy", "noeviction"],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let said = "";
  for await (const chunk of redis.stdout) if ((said += String(chunk)).includes("Ready to accept connections")) break;
  const kill = async () => {
    if (redis.exitCode !== null || redis.signalCode !== null) return;
    const gone = once(redis, "exit");
    redis.kill("SIGKILL");
    await gone;
  };
  return {
    url: `redis://${host}:${port}`,
    async wipe() {
      const socket = connect(port, host);
      socket.write("FLUSHALL\r\n");
      await once(socket, "data");
      socket.destroy();
    },
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

const host = "127.0.0.1";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}
