import { UserError } from "./errors.ts";

type Kind = "flag" | "text";

/** What a command's words said: what stands by position, and the options by name. */
export type Options<Names extends string> = { positional: string[]; options: Partial<Record<Names, string | true>> };

/**
 * Sorts a command's words into positions and `--options`. A text option takes the rest after `=` or the next word.
 * @throws UserError for an unknown option, one given twice, a value missing or not wanted, and too many words.
 */
export function readOptions<Names extends string>(
  words: string[],
  { known, positions, usage }: { known: Record<Names, Kind>; positions: number; usage: string },
): Options<Names> {
  const positional: string[] = [];
  const options: Partial<Record<string, string | true>> = {};
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (!word.startsWith("--")) {
      positional.push(word);
      continue;
    }
    const [, name = "", inline] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const kind = Object.hasOwn(known, name) ? known[name as Names] : undefined;
    if (!kind) throw wrong(`There is no option "--${shorten(name)}".`, usage, closest(name, Object.keys(known), "--"));
    if (options[name] !== undefined) throw wrong(`"--${name}" was given twice.`, usage);
    if (kind === "flag" && inline !== undefined) throw wrong(`"--${name}" takes no value.`, usage);
    const value = kind === "flag" ? true : (inline ?? queue.shift());
    // "--reason --dry-run" forgot the reason: taken as one, it would propose what was only to be shown.
    const isOption = inline === undefined && typeof value === "string" && value.startsWith("--");
    if (value === undefined || value === "" || isOption) throw wrong(`"--${name}" needs a value.`, usage);
    options[name] = value;
  }
  if (positional.length > positions) {
    throw wrong(
      `"${shorten(positional[positions] ?? "")}" is one word too many.`,
      usage,
      ` A text of several words needs quotes.`,
    );
  }
  return { positional, options };
}

const wrong = (happened: string, usage: string, hint = "") =>
  new UserError({ happened, means: "Nothing was changed.", todo: `Type ${usage}.${hint}` });

/** Cuts what a person typed to what is worth repeating. Half of an emoji is none: a JSON column would refuse it. */
export const shorten = (text: string, most = 60): string =>
  text.length > most ? `${text.slice(0, most).replace(/[\ud800-\udbff]$/, "")}…` : text;

/** Names what was probably meant: ` Did you mean "us-west-2"?`, or nothing when no candidate is near. */
export function closest(typed: string, candidates: readonly string[], prefix = ""): string {
  const near = candidates
    .map((candidate) => ({ candidate, distance: distance(typed.slice(0, 80).toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(2, Math.floor(candidate.length / 3)))
    .sort((left, right) => left.distance - right.distance)[0];
  return near ? ` Did you mean "${prefix}${near.candidate}"?` : "";
}

/** Levenshtein's distance: letters to add, drop or change. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of Array.from(from).entries()) {
    const next = [index + 1];
    for (const [column, other] of Array.from(to).entries()) {
      const change = (row[column] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min((row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1, change));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
