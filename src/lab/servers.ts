import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Span, SpanReport } from "./worker-process.ts";

const entry = fileURLToPath(new URL("./worker-process.ts", import.meta.url));

/** Servers of Muster that run as processes of their own beside the lab. */
export class Servers {
  readonly spans: Span[] = [];
  readonly #children = new Map<string, ChildProcess>();
  readonly #environment: Record<string, string>;

  constructor(environment: Record<string, string>) {
    this.#environment = environment;
  }

  /**
   * Starts one and waits until it is ready; its name tells the host it would stand on, its engine version the release it would
   * be of. @throws Error when it ends instead.
   */
  async start({ worker, engineVersion }: { worker?: string; engineVersion?: number } = {}): Promise<string> {
    const words = worker === undefined ? [] : [worker, ...(engineVersion === undefined ? [] : [String(engineVersion)])];
    const child = fork(entry, words, { env: this.#environment, stdio: ["ignore", "ignore", "inherit", "ipc"] });
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    child.on("message", (message: "ready" | SpanReport) => {
      if (message === "ready") resolve();
      else this.spans.push(...message.spans);
    });
    child.once("exit", (code) =>
      reject(new Error(`a server of Muster ended with status ${code ?? "none"} while it started`)),
    );
    await ready;
    const name = worker ?? `server-${child.pid}`;
    this.#children.set(name, child);
    child.once("exit", () => this.#children.delete(name));
    return name;
  }

  /** Those that run, the longest running first. */
  get names(): string[] {
    return [...this.#children.keys()];
  }

  /** Kills one without a chance to say goodbye. */
  kill(name: string, signal: NodeJS.Signals = "SIGKILL"): void {
    this.#children.get(name)?.kill(signal);
    if (signal === "SIGKILL") this.#children.delete(name);
  }

  /** Tells one to stop, as a deploy does, and returns the status it ended with. */
  async end(name: string): Promise<number | null> {
    const child = this.#children.get(name);
    if (!child) throw new Error(`there is no server ${name}`);
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    const [status] = (await gone) as [number | null];
    return status;
  }

  /** Asks all to end, and waits until they have. */
  async stop(): Promise<void> {
    await Promise.all(
      [...this.#children.values()].map(async (child) => {
        const gone = once(child, "exit");
        child.kill("SIGTERM");
        const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
        await gone;
        clearTimeout(late);
      }),
    );
  }
}
