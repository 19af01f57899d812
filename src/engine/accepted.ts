import type { EventBody, Signal } from "./events.ts";

/** What a decision that counts begins with where it has no kind of event of its own: it stands in journals for ever. */
const mark = "accepted: ";

/** The same, for a query over journals. */
export const acceptedLike = `${mark}%`;

/** Notes a decision that counts and has no kind of event of its own, and what it means; it is journalled as `refused`. */
export const accepted = ({ by, seq, verb }: Pick<Signal, "by" | "seq" | "verb">, means: string): EventBody => ({
  kind: "refused",
  by,
  signal: seq,
  verb,
  because: `${mark}${means}`,
});

/** What a decision means that was journalled as `refused` and counts all the same; undefined where it was refused. */
export const meaningOf = ({ because }: { because: string }): string | undefined =>
  because.startsWith(mark) ? because.slice(mark.length) : undefined;
