import type { Choose } from "./play.ts";

/** How many points are passed between two crashes of a play: enough for the heir to be back where its predecessor was. */
const gap = 10;

/** Crash points that are still to be crashed at, shared by all plays of a sweep. */
export class Targets {
  readonly left: Set<string>;
  readonly count: number;
  readonly #places = new Set<string>();

  constructor(ids: Iterable<string>) {
    this.left = new Set(ids);
    this.count = this.left.size;
  }

  /** Tells whether some passing of a point's place was crashed at. */
  hasCrashedAt(id: string): boolean {
    return this.#places.has(placeOf(id));
  }

  /** For one play: crashes wherever a point is still to be crashed at, with distance, and at most so often inside one step. */
  chooser({ perStep = Infinity } = {}): Choose {
    let since = Infinity;
    const inStep = new Map<string, number>();
    return (id) => {
      since += 1;
      if (since < gap || !this.left.has(id)) return false;
      const step = stepOf(id);
      const before = inStep.get(step) ?? 0;
      if (step !== "" && before >= perStep) return false;
      inStep.set(step, before + 1);
      this.left.delete(id);
      this.#places.add(placeOf(id));
      since = 0;
      return true;
    };
  }
}

/** A point without the number of its passing. */
const placeOf = (id: string): string => id.replace(/ #\d+$/, "");

/** The step inside of which a point lies; empty where it is the whole run's. */
export function stepOf(id: string): string {
  return /^([a-z-]+) (?:looks|changes): /.exec(id)?.[1] ?? /db\.journal [a-z-]+ [a-z-]+\/([a-z-]+)/.exec(id)?.[1] ?? "";
}

/** A point without the number of its passing, and without what a journal write is about: as the source names it. */
export const nameOf = (id: string): string =>
  id
    .replace(/^.*: (?=before|after)/, "")
    .replace(/ #\d+$/, "")
    .replace(/^(before|after) (\S+).*$/, "$1 $2");

/** What a play without trouble passes only where the machine was slower than a call, or a lease, may be. */
const passedLate = /db\.hand-over|db\.journal (call-failed|taken-over|taken-up-late)/;

/** Renewals come with the wall clock: the first of them stand for all. What was passed late is not passed again by others. */
export const isStable = (id: string): boolean => !/db\.renew #(?!1$)/.test(id) && !passedLate.test(id);

/** Whether a point lies around the journal's note that a step waits. */
export const isWaitTold = (id: string): boolean => id.includes("db.journal waiting ");
