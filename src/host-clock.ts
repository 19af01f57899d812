import type { Log } from "./call.ts";
import { UserError } from "./errors.ts";

/** From how many seconds on it is news that a host's clock is off, and from how many on nothing is begun there. */
const newsSeconds = 1;
const refusedSeconds = 5;
/** A comparison that took longer, in wall milliseconds, tells of the network too: only what that cannot explain is the clock's. */
const longestRoundTripMs = 500;

/** What the database's server showed on its wall, when it was asked, and how long that took in milliseconds. */
export type WallReading = { wall: Date; roundTripMs: number };

/**
 * Watches this host's wall clock against that of Muster's database. No lease and no deadline of Muster's is read from it, but
 * the queue's locks, TLS, the signatures of AWS and Slack, and the codes of authenticators are: with a clock that is off by
 * more than 5 seconds, this process begins nothing, and leaves runs to others.
 */
export class HostClock {
  readonly #log: Log;
  readonly #now: () => Date;
  #aheadSeconds = 0;
  #isNews = false;

  constructor(log: Log, now: () => Date = () => new Date()) {
    this.#log = log;
    this.#now = now;
  }

  /** How far it is ahead of the database's, in seconds; below 0 where it is behind. */
  get aheadSeconds(): number {
    return this.#aheadSeconds;
  }

  /** Why nothing may be begun here; undefined while the clock is right. */
  get refusal(): string | undefined {
    return refusalAt(this.#aheadSeconds);
  }

  /**
   * Compares, right after the database has answered. It may have looked at its clock at any moment of the round trip: after
   * a long one, what was known before stays, unless it would lie outside of that.
   */
  compare({ wall, roundTripMs }: WallReading): void {
    const aheadMs = this.#now().getTime() - wall.getTime() - roundTripMs / 2;
    const doubtMs = roundTripMs > longestRoundTripMs ? roundTripMs / 2 : 0;
    const known = Math.min(Math.max(this.#aheadSeconds * 1000, aheadMs - doubtMs), aheadMs + doubtMs);
    this.#aheadSeconds = Math.round(known) / 1000;
    const isNews = Math.abs(this.#aheadSeconds) >= newsSeconds;
    if (isNews && !this.#isNews)
      this.#log.warn({ aheadSeconds: this.#aheadSeconds }, "this host's clock differs from that of Muster's database");
    this.#isNews = isNews;
  }

  /** @throws UserError where the clock is so far off that no server may start here. */
  mustBeRight(): void {
    if (this.refusal === undefined) return;
    throw new UserError({
      happened: `${this.refusal}.`,
      means: "Muster did not start, and touched nothing.",
      todo: "Have the clock set by NTP (chrony, systemd-timesyncd), then start again.",
    });
  }
}

/** Why nothing may be begun on a host whose clock is so many seconds ahead (or, below 0, behind); undefined where it may. */
export function refusalAt(aheadSeconds: number): string | undefined {
  if (Math.abs(aheadSeconds) < refusedSeconds) return undefined;
  const away = Math.round(Math.abs(aheadSeconds));
  const side = aheadSeconds > 0 ? "ahead of" : "behind";
  return `The clock of this host is ${away} seconds ${side} that of Muster's database`;
}
