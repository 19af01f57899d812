/** Wakes whoever waits on it; rung while nobody waits, it is remembered once. */
export class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  get rung(): boolean {
    return this.#rung;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Forgets that it rang: whoever rang until now has been heard in another way. */
  clear(): void {
    this.#rung = false;
  }

  /** Waits until it rings. */
  async wait(): Promise<void> {
    if (!this.#rung) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
      this.#wake = undefined;
    }
    this.#rung = false;
  }
}
