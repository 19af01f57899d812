import { CircuitState, circuitBreaker, ConsecutiveBreaker, handleWhen, type CircuitBreakerPolicy } from "cockatiel";
import type { Log } from "./call.ts";
import { messageOf } from "./errors.ts";

/** Failures of one target in a row after which its breaker opens. */
export const opensAfter = 5;
/** Seconds before an open breaker lets a trial through, on Muster's clock; the last one repeats. */
export const restSeconds = [5, 10, 15] as const;

/** A target whose calls fail, and since when: the first failure of the row that goes on. */
export type Failing = { target: string; since: string; why: string };

export const breakerStates = ["closed", "half-open", "open"] as const;
export type BreakerState = (typeof breakerStates)[number];

/** Nothing left the process: the target has been failing, and whoever asked can wait. Asking later is free of doubt. */
export class NotTried extends Error {
  readonly afterSeconds: number;

  constructor({ target, since }: Omit<Failing, "why">, afterSeconds: number) {
    const [clock, wait] = [since.slice(11, 16), Math.ceil(afterSeconds)];
    super(`${target} was not asked: calls to it have been failing since ${clock} UTC. It is asked again in ${wait} s`);
    this.name = "NotTried";
    this.afterSeconds = afterSeconds;
  }
}

type Breaker = {
  policy: CircuitBreakerPolicy;
  /** The first failure since the last answer. */
  failing?: { since: Date; why: string };
  retryAt: number;
  rests: number;
};

export type BreakerOptions = {
  now: () => Date;
  log: Log;
  /** Whether an error says that the target is in trouble: no answer, or one like 503. A refusal is an answer. */
  isTrouble: (error: unknown) => boolean;
};

/**
 * The circuit breakers of a process, one a target ("rds us-east-1"). Every call teaches its target's breaker; only those
 * that can wait (see `sparing`) are kept back by an open one. What only one caller can do is always tried.
 *
 * The times are Muster's, as those of every other second try: a person reads them, and a lab moves them. Cockatiel knows
 * the wall clock only, so it is told to rest for no time at all, and when a trial may go is decided here.
 */
export class Breakers {
  readonly isTrouble: BreakerOptions["isTrouble"];
  readonly #now: () => Date;
  readonly #log: Log;
  readonly #breakers = new Map<string, Breaker>();

  constructor({ now, log, isTrouble }: BreakerOptions) {
    this.isTrouble = isTrouble;
    this.#now = now;
    this.#log = log;
  }

  /** Keeps back a call that can wait. @throws NotTried while the target's breaker is open, or a trial is under way. */
  spare(target: string): void {
    const breaker = this.#breakers.get(target);
    if (!breaker?.failing || breaker.policy.state === CircuitState.Closed) return;
    const waitSeconds = (breaker.retryAt - this.#now().getTime()) / 1000;
    if (breaker.policy.state === CircuitState.Open && waitSeconds <= 0) return;
    throw new NotTried({ target, since: breaker.failing.since.toISOString() }, Math.max(1, waitSeconds));
  }

  /**
   * Does some work and learns from it. It is done whatever the breaker's state; `gaveUp` tells whether the caller broke it
   * off, which proves nothing about the target.
   */
  async through<T>(target: string, work: () => Promise<T>, gaveUp: () => boolean): Promise<T> {
    const breaker = this.#breakerOf(target);
    // The one trial that is under way decides; whoever comes beside it neither waits for it nor counts.
    if (breaker.policy.state === CircuitState.HalfOpen) return work();
    const judged = async (): Promise<{ value: T } | { error: unknown }> => {
      try {
        const value = await work();
        delete breaker.failing;
        return { value };
      } catch (error) {
        if (gaveUp()) throw new Carried(error, "untold");
        if (this.isTrouble(error)) {
          breaker.failing ??= { since: this.#now(), why: messageOf(error) };
          throw new Carried(error, "trouble");
        }
        delete breaker.failing;
        return { error };
      }
    };
    const done = await breaker.policy.execute(judged).catch((thrown: unknown) => ({
      error: thrown instanceof Carried ? thrown.what : thrown,
    }));
    if ("error" in done) throw done.error;
    return done.value;
  }

  /** Lists the targets that have a breaker, and its state. */
  states(): { target: string; state: BreakerState }[] {
    return [...this.#breakers].map(([target, { policy }]) => ({ target, state: stateNames[policy.state] }));
  }

  /** Lists the targets whose breaker is not closed, the longest failing first. */
  failing(): Failing[] {
    return [...this.#breakers]
      .flatMap(([target, { policy, failing }]) =>
        failing && policy.state !== CircuitState.Closed
          ? [{ target, since: failing.since.toISOString(), why: failing.why }]
          : [],
      )
      .toSorted((left, right) => left.since.localeCompare(right.since));
  }

  #breakerOf(target: string): Breaker {
    const known = this.#breakers.get(target);
    if (known) return known;
    const counts = (error: unknown) =>
      (error as Carried).tells === "trouble" || breaker.policy.state === CircuitState.HalfOpen;
    const breaker: Breaker = {
      policy: circuitBreaker(handleWhen(counts), {
        breaker: new ConsecutiveBreaker(opensAfter),
        // Not 0: a wall clock that is set back would have it refuse.
        halfOpenAfter: -Infinity,
      }),
      retryAt: 0,
      rests: 0,
    };
    breaker.policy.onBreak(() => {
      const seconds = restSeconds[Math.min(breaker.rests, restSeconds.length - 1)] ?? 0;
      breaker.retryAt = this.#now().getTime() + seconds * 1000;
      breaker.rests += 1;
      if (breaker.rests > 1) return;
      this.#log.warn({ target, ...breaker.failing }, "calls to a target keep failing; those that can wait will");
    });
    breaker.policy.onReset(() => {
      breaker.rests = 0;
      delete breaker.failing;
      this.#log.info({ target }, "a target answers again");
    });
    this.#breakers.set(target, breaker);
    return breaker;
  }
}

/** Takes an error past cockatiel: "trouble" counts; "untold" is no failure of the target, and proves no trial right. */
class Carried extends Error {
  readonly what: unknown;
  readonly tells: "trouble" | "untold";

  constructor(what: unknown, tells: Carried["tells"]) {
    super(tells);
    this.what = what;
    this.tells = tells;
  }
}

const stateNames: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: "closed",
  [CircuitState.HalfOpen]: "half-open",
  [CircuitState.Open]: "open",
  [CircuitState.Isolated]: "open",
};
