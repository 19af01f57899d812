/**
 * The clock a person could read: polls, settle and patience, Retry-After, probes, approvals. It shows what `muster.now()`
 * shows in the database (one row: what it showed at an anchor, and how fast it runs), and counts on from there by this
 * process's monotonic clock, so no two hosts' wall clocks are ever compared. Leases and call timeouts do not use it.
 */
export type Reading = {
  /** What the clock shows at this very moment. */ shows: Date;
  /** Clock seconds that pass in one second on the wall; 1 outside a lab. */ rate: number;
};

type Sleeper = { due: number; wake: () => void };

/** Longest wait setTimeout takes without overflowing, in milliseconds. */
const longestTimeout = 2 ** 31 - 1;

export class Clock {
  #shows: number;
  #rate: number;
  #readAt = performance.now();
  #sleepers = new Set<Sleeper>();
  #timer: NodeJS.Timeout | undefined;

  constructor(reading: Reading = { shows: new Date(), rate: 1 }) {
    this.#shows = reading.shows.getTime();
    this.#rate = reading.rate;
  }

  /** Tells the time, as `muster.now()` would. */
  now(): Date {
    return new Date(this.#shows + (performance.now() - this.#readAt) * this.#rate);
  }

  get rate(): number {
    return this.#rate;
  }

  /** Sets the clock; whoever sleeps past the new time wakes at once. */
  set(reading: Reading): void {
    this.#shows = reading.shows.getTime();
    this.#rate = reading.rate;
    this.#readAt = performance.now();
    this.#arm();
  }

  /** Waits until so many seconds have passed on this clock. Rejects with the signal's reason when it aborts first. */
  sleep(seconds: number, signal?: AbortSignal): Promise<void> {
    return this.until(new Date(this.now().getTime() + seconds * 1000), signal);
  }

  /** Waits until the clock shows `due` or later. Rejects with the signal's reason when it aborts first. */
  until(due: Date, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const sleeper: Sleeper = {
        due: due.getTime(),
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener("abort", giveUp);
          resolve();
        },
      };
      const giveUp = () => {
        this.#sleepers.delete(sleeper);
        this.#arm();
        reject(signal?.reason as Error);
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#sleepers.add(sleeper);
      this.#arm();
    });
  }

  /** When the next sleeper is due, or undefined when nobody sleeps. A lab jumps there when nothing else is going on. */
  nextDue(): Date | undefined {
    let first = Infinity;
    for (const { due } of this.#sleepers) first = Math.min(first, due);
    return first === Infinity ? undefined : new Date(first);
  }

  /** How many wait on this clock right now. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const due = this.nextDue();
    if (!due) return;
    const milliseconds = Math.max(0, Math.ceil((due.getTime() - this.now().getTime()) / this.#rate));
    this.#timer = setTimeout(() => this.#wakeDue(), Math.min(milliseconds, longestTimeout));
  }

  #wakeDue(): void {
    const now = this.now().getTime();
    for (const sleeper of Array.from(this.#sleepers)) if (sleeper.due <= now) sleeper.wake();
    this.#arm();
  }
}

/** Seconds from one moment to another. */
export const secondsSince = (from: Date, now: Date): number => (now.getTime() - from.getTime()) / 1000;
