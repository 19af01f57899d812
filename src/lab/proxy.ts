import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/**
 * open passes bytes on; silent takes connections and passes nothing, as a dead region or a cut cable does (what is
 * connected stays, and goes on when it opens again); refuses breaks what is connected and listens no more.
 */
export type ProxyMode = "open" | "silent" | "refuses";

export type Endpoint = { host: string; port: number };

export type Proxy = {
  readonly listen: Endpoint;
  readonly mode: ProxyMode;
  /** Wall milliseconds by which every chunk of bytes is late, in each direction. */
  delayMs: number;
  /** How many connections pass through it now. */
  readonly connections: number;
  /** Returns when the new mode holds. */
  setMode(mode: ProxyMode): Promise<void>;
  close(): Promise<void>;
};

/** Opens a TCP proxy whose line can be cut, frozen and made slow while it runs. */
export async function openProxy({ listen, to }: { listen: Endpoint; to: Endpoint }): Promise<Proxy> {
  const lines = new Set<Line>();
  let mode: ProxyMode = "open";
  let server: Server | undefined;

  const begin = async () => {
    server = createServer({ allowHalfOpen: true }, (client) => {
      const line = new Line(client, to, () => proxy.delayMs);
      lines.add(line);
      line.onEnd = () => lines.delete(line);
      // Also a caller who hangs up while nothing answers.
      client.on("error", () => undefined);
      line.freeze(mode === "silent");
    });
    server.listen(listen);
    await once(server, "listening");
  };
  const end = async () => {
    const closing = server;
    server = undefined;
    for (const line of lines) line.break();
    if (closing) await new Promise((resolve) => closing.close(resolve));
  };

  const proxy = {
    listen,
    get mode() {
      return mode;
    },
    delayMs: 0,
    get connections() {
      return lines.size;
    },
    setMode: async (next: ProxyMode) => {
      mode = next;
      if (next === "refuses") return end();
      if (!server) await begin();
      for (const line of lines) line.freeze(next === "silent");
    },
    close: end,
  };
  await begin();
  return proxy;
}

/** One client and the server it talks to. */
class Line {
  onEnd: () => void = () => undefined;
  #frozen = true;
  #server: Socket | undefined;
  readonly #client: Socket;
  readonly #to: Endpoint;
  readonly #delayMs: () => number;
  /** What happened while the line was frozen, in order. */
  readonly #held: (() => void)[] = [];

  constructor(client: Socket, to: Endpoint, delayMs: () => number) {
    this.#client = client;
    this.#to = to;
    this.#delayMs = delayMs;
  }

  freeze(frozen: boolean): void {
    this.#frozen = frozen;
    if (frozen) {
      this.#client.pause();
      this.#server?.pause();
      return;
    }
    // Whoever called while nothing answered gets through now, as a repeated SYN does.
    if (!this.#server) this.#dial();
    for (const deed of this.#held.splice(0)) deed();
    this.#client.resume();
    this.#server?.resume();
  }

  /** Ends both sides with a reset: neither may take it for an orderly goodbye. */
  break(): void {
    for (const socket of [this.#client, this.#server]) if (socket && !socket.destroyed) socket.resetAndDestroy();
    this.onEnd();
  }

  #dial(): void {
    this.#server = connect({ ...this.#to, allowHalfOpen: true });
    this.#carry(this.#client, this.#server);
    this.#carry(this.#server, this.#client);
  }

  #carry(from: Socket, to: Socket): void {
    const late = this.#lateQueue();
    from.setNoDelay(true);
    from.on("data", (chunk) =>
      late(() => {
        if (!to.writable || to.write(chunk)) return;
        from.pause();
        to.once("drain", () => !this.#frozen && from.resume());
      }),
    );
    from.on("end", () => late(() => to.end()));
    from.on("error", () => this.#pass(() => this.break()));
    from.on("close", () => to.destroyed && this.onEnd());
  }

  /** Makes deeds of one direction as late as the line is slow, and keeps their order when it gets faster. */
  #lateQueue(): (deed: () => void) => void {
    const queue: (() => void)[] = [];
    return (deed) => {
      const delayMs = this.#delayMs();
      if (delayMs === 0 && queue.length === 0) return this.#pass(deed);
      queue.push(deed);
      setTimeout(() => {
        const first = queue.shift();
        if (first) this.#pass(first);
      }, delayMs).unref();
    };
  }

  #pass(deed: () => void): void {
    if (this.#frozen) this.#held.push(deed);
    else deed();
  }
}
