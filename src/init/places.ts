import type { Draft } from "./draft.ts";
import type { Interview } from "./interview.ts";

/** Asks for the regions and the channels. Returns the regions, in the order given. */
export async function askForPlaces(interview: Interview, draft: Draft): Promise<string[]> {
  const split = (text: string) => text.split(/[\s,]+/).filter((word) => word !== "");
  const regions = await interview.fill(draft, ["regions"], {
    asks: "Which regions are there? With commas between them, the one that serves people today first (us-east-1, us-west-2)",
    read: split,
    fault: (text) => (new Set(split(text)).size < split(text).length ? "a region stands there twice" : undefined),
  });
  await interview.fill(draft, ["channels", "incidents"], {
    asks: "In which Slack channel are incidents dealt with?",
    otherwise: "#incident-response",
  });
  for (const [key, asks] of [
    ["backup", "A second channel, for when that one cannot be used?"],
    ["executives", "A channel for executives?"],
  ] as const) {
    await interview.fill(draft, ["channels", key], { asks, optional: true });
  }
  return regions ?? [];
}
