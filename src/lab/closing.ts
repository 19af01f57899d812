type Closable = { close(): Promise<unknown> };

/** What was opened so far, to be closed in the opposite order. */
export class Closing {
  readonly #ends: (() => Promise<unknown>)[] = [];
  readonly #begun = new AbortController();

  /** Aborts as soon as closing begins. */
  get signal(): AbortSignal {
    return this.#begun.signal;
  }

  /** Waits for a part, and has it closed with the rest: at once where the rest is closed already. */
  async opened<T extends Closable>(part: Promise<T>): Promise<T> {
    const value = await part;
    await this.add(() => value.close());
    return value;
  }

  /** Has something done when the rest is closed: at once where it is. */
  async add(end: () => Promise<unknown>): Promise<void> {
    if (this.signal.aborted) await end();
    else this.#ends.push(end);
  }

  /** Closes everything, the youngest first. */
  async close(): Promise<void> {
    this.#begun.abort(new Error("the lab was closed"));
    for (const end of this.#ends.splice(0).toReversed()) await end();
  }
}
