/** Counts what is in flight in this process, for a lab that must know when nothing is going on. */
export class Activity {
  inFlight = 0;
  /** Told of each stretch of waiting for something outside as it ends: a call, or a step's wait. In performance.now(). */
  onSpan: ((kind: "call" | "wait", name: string, from: number, to: number) => void) | undefined;
  readonly #background = new Set<number>();

  /** Counts a promise until it settles. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.inFlight += 1;
    try {
      return await work();
    } finally {
      this.inFlight -= 1;
    }
  }

  /** Counts as a wait, not as work: nothing is in flight while it lasts. */
  async waiting<T>(name: string, wait: () => Promise<T>): Promise<T> {
    const from = performance.now();
    try {
      return await wait();
    } finally {
      this.onSpan?.("wait", name, from, performance.now());
    }
  }

  /**
   * Waits for a time on the clock in the middle of work that `during` counts: while it lasts, that work is not in flight.
   * Only to be called inside `during`.
   */
  async resting<T>(wait: () => Promise<T>): Promise<T> {
    this.inFlight -= 1;
    try {
      return await wait();
    } finally {
      this.inFlight += 1;
    }
  }

  /** Makes the count of a watch in the background: it is no part of a run, and nobody need wait for what it waits for. */
  background(): Activity {
    const background = new Activity();
    background.during = async (work) => {
      const startedAt = performance.now() + Math.random() / 1000;
      this.#background.add(startedAt);
      try {
        return await work();
      } finally {
        this.#background.delete(startedAt);
      }
    };
    return background;
  }

  /** How many background calls are open that began less than so many wall milliseconds ago. */
  backgroundYoungerThan(milliseconds: number): number {
    const since = performance.now() - milliseconds;
    return [...this.#background].filter((startedAt) => startedAt > since).length;
  }
}
