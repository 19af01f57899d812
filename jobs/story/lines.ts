import type { StoryParts } from "./parts.ts";

/** Writes a run's report as lines for a thread: what it came to and what is open; how each step went is in the files. Pure. */
export function linesOf({ heading, about, moments, figures, now, services }: StoryParts): string[] {
  return [
    `${heading}. All times are UTC.`,
    ...about,
    ...moments.map(([label, at]) => `${label}: ${at}`),
    ...figures,
    ...(now.length > 0 ? ["What now:", ...now] : []),
    // Last, because Slack cuts what is too long.
    ...services.map(
      ({ wave, service, outcome, recovery, rto, lost, rpo }) =>
        `${wave}. ${service}: ${outcome}. Service recovery: ${recovery} (objective ${rto}). Writes lost: ${lost}${rpo === "" ? "" : ` (objective ${rpo})`}.`,
    ),
  ];
}
