/** Writes a time as people say it: "90 seconds", "15 minutes", "2 hours". */
export function spell(seconds: number): string {
  const [count, unit] =
    seconds < 120 ? [seconds, "second"] : seconds < 7200 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  const shown = Math.round(count * 10) / 10;
  return `${shown} ${unit}${shown === 1 ? "" : "s"}`;
}

/**
 * Spells commands for whoever sits at a shell: there `/muster runs` is `muster runs`, and `/failover us-west-2` is
 * `muster failover us-west-2`. `names` are those of all commands; a path such as /runs/today stays what it is. Pure.
 */
export const inShell = (text: string, names: readonly string[]): string =>
  text.replace(
    new RegExp(`(?<=^|[\\s"'(\`])/(?:muster (?=\\S)|(?=(?:${names.join("|")})(?![\\w/-]|\\.\\w)))`, "gm"),
    "muster ",
  );

/** Begins a text as a sentence begins. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * Cuts a text of somebody else's to so many characters, at the end of a word: half of a secret looks like none, and would be
 * told. Pure.
 */
export const clip = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, most + 1).replace(/\S*$/, "")}…`;
