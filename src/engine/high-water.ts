import { sql, type RawBuilder } from "kysely";

/** A journal entry that was seen to stand in Muster's database. */
export type Position = { seq: number; at: Date };

/**
 * How far the journal reached, as far as this process has seen it: every entry it wrote or read, of any run. What was seen
 * once stands there for ever; where it does not, Muster's database was set back to an older copy (a lagging replica that was
 * promoted, a backup that was restored), and nothing is written to it before people were told: see set-back.ts.
 */
export class HighWater {
  /** Names this journal, as a copy of it does too. Known after the first look. */
  installation: string | undefined;
  #position: Position | undefined;

  get position(): Position | undefined {
    return this.#position;
  }

  /** Notes an entry that stands in the journal. */
  raise(seen: Position | undefined): void {
    if (seen && seen.seq > (this.#position?.seq ?? 0)) this.#position = { seq: seen.seq, at: seen.at };
  }

  /** Begins anew from where an older copy ends. */
  begin(seen: Position | undefined): void {
    this.#position = seen;
  }
}

/**
 * Whether an entry stands in the journal, as part of a statement. Its number alone proves nothing: an older copy gives it
 * again, at another time. A Date holds milliseconds, the row microseconds.
 */
export const stands = (position: Position | undefined): RawBuilder<boolean> =>
  position
    ? sql<boolean>`exists (
        select from muster.step_event
         where seq = ${position.seq} and at between ${position.at}::timestamptz - interval '2 milliseconds'
                                                and ${position.at}::timestamptz + interval '2 milliseconds')`
    : sql<boolean>`true`;
