import type { Clock } from "../clock.ts";

/** What a server of the lab does instead of its duty. */
export type Fault =
  /** Answers an error of the service's own kind, and changes nothing. */
  | "fail-before"
  /** Changes what was asked, then answers an error. */
  | "fail-after"
  /** Changes what was asked, then never answers. */
  | "hang-after"
  /** Changes nothing and never answers. */
  | "hang"
  /** Answers the service's own "slow down". */
  | "throttle";

/** The switches of one lab server. Rates are shares from 0 to 1; times are lab seconds. */
export class Knobs {
  /** "refuses" closes every connection; "silent" takes it and never answers, as a dead region does. */
  down: false | "refuses" | "silent" = false;
  slowSeconds = 0;
  /** Reads show what was true so many lab seconds ago. */
  readLagSeconds = 0;
  /** Share of changing requests that fail; half of them after the effect. */
  errorRate = 0;
  /** What its errors repeat of what nobody should hear: a secret, for stories about those. */
  recites: (() => string) | undefined;
  /** Where chance comes from; seeded by the sweeps. */
  random: () => number = Math.random;
  readonly #next: { action: string; fault: Fault; times: number }[] = [];

  /** Makes the next requests of an action fail in one way. "*" is any action. */
  next(action: string, fault: Fault, times = 1): void {
    this.#next.push({ action, fault, times });
  }

  /** Draws the fault of one request, or undefined when it is to be served. */
  draw(action: string, changes: boolean): Fault | undefined {
    const planned = this.#next.find((entry) => entry.times > 0 && (entry.action === action || entry.action === "*"));
    if (planned) {
      planned.times -= 1;
      return planned.fault;
    }
    if (this.errorRate === 0 || this.random() >= this.errorRate) return undefined;
    return changes && this.random() < 0.5 ? "fail-after" : "fail-before";
  }

  /** Waits as long as this server is set to be slow. */
  async dawdle(clock: Clock): Promise<void> {
    if (this.slowSeconds > 0) await clock.sleep(this.slowSeconds);
  }
}
