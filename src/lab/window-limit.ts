import type { Clock } from "../clock.ts";

/** Lets through so many calls in any stretch of so many seconds on the lab's clock. A refused call does not count. */
export class WindowLimit {
  readonly #clock: Clock;
  readonly #limit: { calls: number; seconds: number };
  #taken: number[] = [];

  constructor(clock: Clock, limit: { calls: number; seconds: number }) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** Takes one call; false when there were as many already. */
  take(): boolean {
    const now = this.#clock.now().getTime();
    this.#taken = this.#taken.filter((at) => at > now - this.#limit.seconds * 1000);
    if (this.#taken.length >= this.#limit.calls) return false;
    this.#taken.push(now);
    return true;
  }
}
