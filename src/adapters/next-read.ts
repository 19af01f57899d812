/** Somebody who waits for what a read will find. */
type Asker<Key, Value> = { key: Key; resolve: (value: Value) => void; reject: (error: unknown) => void };

/**
 * Lets one read serve everybody who asked before it began: nobody is told what was read before they asked, and while a read
 * is under way those who come wait for the next. Whoever gives up leaves; the others are still served.
 */
export class NextRead<Key, Value> {
  #waiting: Asker<Key, Value>[] = [];
  #busy = false;
  readonly #read: (keys: Key[]) => Promise<(key: Key) => Value>;

  /** `read` finds everything for a list of keys, and tells what it found for each. */
  constructor(read: (keys: Key[]) => Promise<(key: Key) => Value>) {
    this.#read = read;
  }

  /** Asks for one key. Rejects with what the read throws, or with the signal's reason when it aborts first. */
  ask(key: Key, signal?: AbortSignal): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const asker: Asker<Key, Value> = { key, resolve, reject };
      signal?.addEventListener("abort", () => this.#leave(asker, signal.reason), { once: true });
      this.#waiting.push(asker);
      if (!this.#busy) void this.#readOn();
    });
  }

  #leave(asker: Asker<Key, Value>, reason: unknown): void {
    this.#waiting = this.#waiting.filter((other) => other !== asker);
    asker.reject(reason);
  }

  async #readOn(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const served = this.#waiting.splice(0);
      try {
        const find = await this.#read(served.map(({ key }) => key));
        for (const { key, resolve } of served) resolve(find(key));
      } catch (error) {
        for (const { reject } of served) reject(error);
      }
    }
    this.#busy = false;
  }
}
