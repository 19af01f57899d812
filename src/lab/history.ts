import type { Clock } from "../clock.ts";

/** A value and what it was: reads that lag behind the writes are served from here. */
export class History<T> {
  #versions: { at: number; value: T }[];
  readonly #clock: Clock;

  constructor(clock: Clock, first: T) {
    this.#clock = clock;
    this.#versions = [{ at: -Infinity, value: first }];
  }

  /** What is true now. */
  get now(): T {
    return this.read(0);
  }

  /** What was true so many seconds ago on the lab's clock. */
  read(lagSeconds: number): T {
    const at = this.#clock.now().getTime() - lagSeconds * 1000;
    const known = lagSeconds > 0 ? this.#versions.findLast((version) => version.at <= at) : this.#versions.at(-1);
    const [oldest] = this.#versions;
    if (!oldest) throw new Error("a history always holds at least one version");
    return (known ?? oldest).value;
  }

  /** The last version of which something is true, if it is still known. */
  find(holds: (value: T) => boolean): T | undefined {
    return this.#versions.findLast((version) => holds(version.value))?.value;
  }

  /** Sets what is true from now on. */
  write(value: T): void {
    this.#versions = [...this.#versions.slice(-100), { at: this.#clock.now().getTime(), value }];
  }
}
