import type { Clock } from "../clock.ts";

/** Calls a minute that each of Slack's tiers lets an app make to one method. */
const tiers = { 1: 1, 2: 20, 3: 50, 4: 100, special: 300 } as const;
export type Tier = keyof typeof tiers;

type Bucket = { tokens: number; at: number };

/**
 * Counts calls as Slack does: per method for the whole workspace, and for posting also per channel, about one a second
 * after a short burst. Time is the lab's clock, because Retry-After is a wait that people could read.
 */
export class Rates {
  readonly #clock: Clock;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes one call, or returns the seconds to wait before the next may succeed. */
  take(method: string, tier: Tier, channel: string): number | undefined {
    const perMinute = tiers[tier];
    const wait = this.#take(method, perMinute, perMinute / 60);
    if (wait !== undefined || method !== "chat.postMessage") return wait;
    return this.#take(`${method} ${channel}`, 4, 1);
  }

  #take(name: string, burst: number, perSecond: number): number | undefined {
    const now = this.#clock.now().getTime() / 1000;
    const { tokens, at } = this.#buckets.get(name) ?? { tokens: burst, at: now };
    const filled = Math.min(burst, tokens + Math.max(0, now - at) * perSecond);
    if (filled < 1) {
      this.#buckets.set(name, { tokens: filled, at: now });
      return Math.max(1, Math.ceil((1 - filled) / perSecond));
    }
    this.#buckets.set(name, { tokens: filled - 1, at: now });
    return undefined;
  }
}
