import { setImmediate, setTimeout } from "node:timers/promises";
import pg from "pg";
import type { Activity } from "../activity.ts";
import { Clock } from "../clock.ts";
import type { RequestLog } from "./request-log.ts";

/**
 * How long messages on their way out may hold up a jump, in wall milliseconds: one that goes out for the first time, and one
 * that failed before, because some wait for a Slack that is down.
 */
const outboxPatienceMs = { first: 1500, again: 150 } as const;

/** How long a call of a watch in the background may hold up a jump, in wall milliseconds. */
const backgroundPatienceMs = 100;

/** How long processes may take for what a story waits for, in wall milliseconds. */
const wallPatienceMs = 120_000;

/** What waits in Muster's database; of messages, how often the one that was tried least was tried. */
type Work = { runs: boolean; inbox: boolean; outbox: number | null };

/**
 * The lab's time: the clock its servers and Muster share, and the row of Muster's database that muster.now() reads.
 * It runs at a rate, and can jump: to the next moment at which anybody wants to wake, once nothing is going on.
 */
export class LabTime {
  readonly clock: Clock;
  /** A jump is no shorter than so many seconds: for long waits, in which whoever wants to wake between two strides wakes late. */
  strideSeconds = 0;
  /** False where no process takes messages out, so that nobody waits for them. */
  waitsForOutbox = true;
  /** True where Muster runs as processes of its own: nobody sees when nothing is going on there, so the clock only runs. */
  runsElsewhere = false;
  readonly #activities: Activity[] = [];
  #log: RequestLog | undefined;
  #pool: pg.Pool | undefined;

  constructor(rate: number) {
    this.clock = new Clock({ shows: new Date(), rate });
  }

  /** Lets the time wait for what these count. */
  watch(log: RequestLog): void {
    this.#log = log;
  }

  /** Counts a process's work as something going on. Returns how to stop counting it. */
  count(activity: Activity): () => void {
    this.#activities.push(activity);
    return () => void this.#activities.splice(this.#activities.indexOf(activity), 1);
  }

  /** Binds the clock row of Muster's database to this clock. The tables must be there. */
  async bind(databaseUrl: string): Promise<void> {
    this.#pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
    // The lab restarts this server on purpose; the next query opens another connection.
    this.#pool.on("error", () => undefined);
    await this.set(this.clock.now(), this.clock.rate);
  }

  /** Sets what the clock shows and how fast it runs: in the database first, so that whoever wakes finds it there. */
  async set(shows: Date, rate: number): Promise<void> {
    await this.#query("set-clock", "update muster.clock set anchor_at = clock_timestamp(), shows = $1, rate = $2", [
      shows.toISOString(),
      rate,
    ]);
    this.clock.set({ shows, rate });
  }

  /** Waits until nothing is going on that has not its own wait on the clock. Rejects with the signal's reason when it aborts first. */
  async quiet(signal?: AbortSignal): Promise<void> {
    /** Since when nothing but messages on their way out holds it up. */
    let since: number | undefined;
    for (;;) {
      let calm = 0;
      while (calm < 12) {
        signal?.throwIfAborted();
        await setImmediate();
        calm = this.#busy() ? 0 : calm + 1;
        if (calm === 0) await setTimeout(1);
      }
      // Where nothing of Muster runs, nobody does what is due.
      if (this.#activities.length === 0) return;
      const waiting = await this.#work();
      if (!waiting.runs && !waiting.inbox && !this.#busy()) {
        const { outbox } = waiting;
        if (outbox === null || !this.waitsForOutbox) return;
        since ??= performance.now();
        if (performance.now() - since > outboxPatienceMs[outbox === 0 ? "first" : "again"]) return;
      }
      await setTimeout(2);
    }
  }

  /** Goes to the next moment at which somebody wants to wake, but not past `limit`. */
  async jump(limit: Date, signal?: AbortSignal): Promise<void> {
    await this.quiet(signal);
    const due = this.clock.nextDue();
    const stride = new Date(this.clock.now().getTime() + this.strideSeconds * 1000);
    const next = due && due < stride ? stride : due;
    const to = next && next < limit ? next : limit;
    if (to > this.clock.now()) await this.set(to, this.clock.rate);
    await setTimeout(1);
  }

  /** Lets so many seconds pass, jumping. */
  async pass(seconds: number): Promise<void> {
    const limit = new Date(this.clock.now().getTime() + seconds * 1000);
    while (this.clock.now() < limit) await this.jump(limit);
    await this.quiet();
  }

  /** Moves the clock on at once: whatever was due in between comes late, as after a machine slept. */
  async skip(seconds: number): Promise<void> {
    await this.quiet();
    await this.set(new Date(this.clock.now().getTime() + seconds * 1000), this.clock.rate);
    await this.quiet();
  }

  /** Lets time pass until something is so. @throws Error when it is not so within so many seconds. */
  async until(what: string, isSo: () => boolean | Promise<boolean>, withinSeconds: number): Promise<void> {
    if (this.runsElsewhere) return untilOnWall(what, isSo);
    const limit = new Date(this.clock.now().getTime() + withinSeconds * 1000);
    for (;;) {
      await this.quiet();
      if (await isSo()) return;
      if (this.clock.now() >= limit) throw new Error(`${what}: not so within ${withinSeconds} seconds`);
      await this.jump(limit);
    }
  }

  async close(): Promise<void> {
    await this.#pool?.end();
    this.#pool = undefined;
  }

  #busy(): boolean {
    return (
      (this.#log?.open ?? 0) > 0 ||
      this.#activities.some(
        (activity) => activity.inFlight > 0 || activity.backgroundYoungerThan(backgroundPatienceMs) > 0,
      )
    );
  }

  async #work(): Promise<Work> {
    const rows = await this.#query(
      "work",
      `select exists (select from muster.run where ended_at is null and owner is null and next_wake_at <= muster.now()) as runs,
              exists (select from muster.inbox where processed_at is null) as inbox,
              least((select min(attempts) from muster.outbox one where state in ('waiting', 'sending') and next_at <= muster.now()
                         -- Whoever has one of these in hand waits on the clock for the page's next turn.
                         and (thread not like 'statuspage:%' or taken_until is null or taken_until <= clock_timestamp())
                         and not exists (select from muster.outbox earlier
                                          where earlier.thread = one.thread and earlier.seq < one.seq
                                            and earlier.state in ('waiting', 'sending'))
                         and (thread not like 'run:%' or exists (select from muster.card
                                          where card.run = substr(one.thread, 5) and card.remote_ref is not null))),
                (select min(attempts) from muster.card where wanted_version > sent_version and next_at <= muster.now())
              ) as outbox`,
    );
    return (rows[0] as Work | undefined) ?? { runs: false, inbox: false, outbox: null };
  }

  /**
   * Asks Muster's database; while it is down there is nothing in it to wait for. The statement has a name and is planned once:
   * a story asks thousands of times.
   */
  async #query(name: string, text: string, values: unknown[] = []): Promise<unknown[]> {
    try {
      return (await this.#pool?.query({ name, text, values }))?.rows ?? [];
    } catch (error) {
      if (error instanceof pg.DatabaseError && !["57P01", "57P03", "57P02"].includes(error.code ?? "")) throw error;
      return [];
    }
  }
}

/** Waits for something while the clock runs, as long as a busy machine may need. */
async function untilOnWall(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + wallPatienceMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt)
      throw new Error(`${what}: not so within ${wallPatienceMs / 1000} seconds on the wall`);
    await setTimeout(20);
  }
}
