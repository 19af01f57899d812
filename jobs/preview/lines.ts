import type { Preview } from "../job.ts";

/** Writes a preview as lines for a terminal: what would be changed first, then what was seen, then what to fear. */
export function previewLines({ headline, rows, diffs, warnings, blockers }: Preview): string[] {
  const width = Math.max(0, ...rows.map(({ label }) => label.length));
  return [
    headline,
    ...diffs.map(({ what, from, to, owner }) => `  ${what}: ${from} → ${to}${owner ? ` (kept by ${owner})` : ""}`),
    ...rows.map(({ label, value, tone }) => `  ${tone === "bad" ? "!" : " "} ${label.padEnd(width)}  ${value}`),
    ...warnings.map((warning) => `  ! ${warning}`),
    ...blockers.map((blocker) => `  Cannot be approved: ${blocker}.`),
  ];
}
