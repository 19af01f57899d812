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
  /** What was the newest once, the oldest of it first. */
  #seen = new Set<string>();

  get position(): Position | undefined {
    return this.#position;
  }

  /** Notes an entry that stands in the journal. */
  raise(entry: Position | undefined): void {
    if (!entry || entry.seq <= (this.#position?.seq ?? 0)) return;
    this.#position = { seq: entry.seq, at: entry.at };
    this.#seen.add(nameOf(entry));
    const [oldest] = this.#seen;
    if (this.#seen.size > remembered && oldest !== undefined) this.#seen.delete(oldest);
  }

  /** Tells whether an entry was the newest that stood there, not long ago: spares a question to the database. */
  hasSeen(entry: Position): boolean {
    return this.#seen.has(nameOf(entry));
  }

  /** Begins anew from where an older copy ends. */
  begin(entry: Position | undefined): void {
    this.#position = undefined;
    this.#seen.clear();
    this.raise(entry);
  }
}

/** So many entries are written in a minute by a region of a thousand services at its busiest. */
const remembered = 2_000;

const nameOf = ({ seq, at }: Position): string => `${seq} ${at.getTime()}`;

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
