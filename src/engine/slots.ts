/** A fixed number of places; who finds none free waits for one, in the order of coming. */
export class Slots {
  #free: number;
  #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a place without waiting, even one too many. Returns how to give it back; more than once is once. */
  take(): () => void {
    this.#free -= 1;
    let taken = true;
    return () => {
      if (!taken) return;
      taken = false;
      this.#free += 1;
      if (this.#free > 0) this.#waiting.shift()?.();
    };
  }

  /** Waits for a place and takes it. */
  async takeFree(): Promise<() => void> {
    await this.room();
    return this.take();
  }

  /** Waits until a place is free, and tells how many are. */
  async room(): Promise<number> {
    while (this.#free <= 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.#free;
  }

  /** Wakes everybody who waits: there is nothing more to wait for. */
  open(): void {
    this.#free = Infinity;
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
