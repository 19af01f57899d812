/** Writes a time as people say it: "90 seconds", "15 minutes", "2 hours". */
export function spell(seconds: number): string {
  const [count, unit] =
    seconds < 120 ? [seconds, "second"] : seconds < 7200 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  const shown = Math.round(count * 10) / 10;
  return `${shown} ${unit}${shown === 1 ? "" : "s"}`;
}

/** Begins a text as a sentence begins. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
