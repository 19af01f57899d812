import type { Clock } from "../clock.ts";

/** Lets through so many calls a second on the lab's clock, and a burst after a quiet time. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #limits: { perSecond: number; burst: number };
  #tokens: number;
  #at: number;

  constructor(clock: Clock, limits: { perSecond: number; burst: number }) {
    this.#clock = clock;
    this.#limits = limits;
    this.#tokens = limits.burst;
    this.#at = clock.now().getTime();
  }

  /** Takes one token; false when there is none left. */
  take(): boolean {
    const now = this.#clock.now().getTime();
    const gained = Math.max(0, ((now - this.#at) / 1000) * this.#limits.perSecond);
    this.#tokens = Math.min(this.#limits.burst, this.#tokens + gained);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
