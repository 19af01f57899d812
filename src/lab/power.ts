/** The power of a region: while it is off, what runs there neither works nor answers; afterwards it goes on as it was. */
export class Power {
  #down: false | "silent" = false;
  readonly #waiting = new Set<() => void>();

  /** As the knobs of a server have it. */
  get down(): false | "silent" {
    return this.#down;
  }

  set(on: boolean): void {
    this.#down = on ? false : "silent";
    if (on) for (const wake of this.#waiting) wake();
  }

  /** Waits until there is power. Rejects with the signal's reason when it aborts first. */
  whenOn(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (!this.#down) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => () => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", giveUp);
        settle();
      };
      const wake = end(resolve);
      const giveUp = end(() => reject(signal.reason as Error));
      this.#waiting.add(wake);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  }
}
