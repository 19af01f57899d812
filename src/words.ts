import { UserError } from "./errors.ts";

/** Longest command that is read, in characters. The longest sensible one has a reason of a few sentences. */
const mostCharacters = 3000;

/** Quotes as keyboards and phones make them, each with what closes it. */
const quotes: Readonly<Record<string, string>> = { '"': '"', "'": "'", "“": "”", "”": "”", "„": "“", "‘": "’" };

/**
 * Splits what a person typed into words. Quotes hold words together: `--reason "the region is dark"`. Phones turn quotes
 * and dashes into prettier ones; those count too.
 * @throws UserError for too long a text, characters nobody can type, or a quote that is not closed.
 */
export function splitWords(text: string): string[] {
  refuseUnreadable(text);
  const words: string[] = [];
  let word: string | undefined;
  let closing: string | undefined;
  for (const letter of text) {
    if (closing !== undefined) {
      if (letter === closing || (closing === "”" && letter === '"')) closing = undefined;
      else word += letter;
    } else if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (opensQuote(letter, word)) {
      closing = quotes[letter];
      word ??= "";
    } else word = (word ?? "") + letter;
  }
  if (closing !== undefined)
    throw wrong(`A quote (${closing}) was opened and not closed.`, "Close it, and type the command again.");
  if (word !== undefined) words.push(word);
  return words.map(withDashes);
}

/**
 * Reads words that a shell has split already, under the same rules as `splitWords`; quotes are the shell's affair.
 * @throws UserError for too long a text, or characters nobody can type.
 */
export function readSplitWords(words: readonly string[]): string[] {
  const read = words.map((word) => word.toWellFormed());
  refuseUnreadable(read.join(" "));
  return read.map(withDashes);
}

/** Undoes what phones and word processors make of "--". */
const withDashes = (word: string): string => word.replace(/^[—–](?=\w)/, "--");

/** An apostrophe inside a word ("don't") opens nothing. */
function opensQuote(letter: string, word: string | undefined): boolean {
  if (!Object.hasOwn(quotes, letter)) return false;
  return word === undefined || word.endsWith("=");
}

function refuseUnreadable(text: string): void {
  if (text.length > mostCharacters) {
    throw wrong(
      `The command was ${text.length.toLocaleString("en")} characters long; ${mostCharacters.toLocaleString("en")} are read.`,
      "Shorten it, and type it again.",
    );
  }
  const found = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Cs}]/u.exec(text.replaceAll(/[\t\n\r]/g, " "))?.[0];
  if (found === undefined) return;
  const code = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  throw wrong(`The command held a character that cannot be seen: U+${code}.`, "Type it by hand instead of pasting it.");
}

const wrong = (happened: string, todo: string) => new UserError({ happened, means: "Nothing was changed.", todo });
