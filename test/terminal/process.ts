import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export type Ended = { status: number | null; signal: NodeJS.Signals | null; out: string; err: string };

/** `muster ...` as a process of its own, with nothing in its environment but what is given. */
export class MusterProcess {
  out = "";
  err = "";
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown[]>;

  constructor(argv: string[], env: Record<string, string>, command = [process.execPath, "src/cli.ts"]) {
    const [program = "", ...before] = command;
    this.#child = spawn(program, [...before, ...argv], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout?.on("data", (chunk: Buffer) => (this.out += chunk.toString()));
    this.#child.stderr?.on("data", (chunk: Buffer) => (this.err += chunk.toString()));
    this.#closed = once(this.#child, "close");
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for its end. */
  async ended(): Promise<Ended> {
    const [status, signal] = (await this.#closed) as [number | null, NodeJS.Signals | null];
    return { status, signal, out: this.out, err: this.err };
  }

  /** What its log says, a line each. */
  get logged(): { msg: string; port?: number; why?: string }[] {
    const lines = this.err.split("\n").slice(0, -1);
    return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as { msg: string });
  }
}

/** Runs `muster ...` to its end. */
export const run = (argv: string[], env: Record<string, string>, command?: string[]): Promise<Ended> =>
  new MusterProcess(argv, env, command).ended();
