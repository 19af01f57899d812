import type { PageFailed } from "../adapters/statuspage-trouble.ts";
import type { Told, Update } from "./tell-page.ts";

/** What people read in the run's thread of an update that arrived, or had nowhere to go; undefined where that is no news. Pure. */
export function newsOf(update: Pick<Update, "status" | "key">, told: Told): string | undefined {
  if ("over" in told) {
    if (told.over === "never opened") return undefined;
    return `The incident on the status page was ${told.over} by somebody else, so Muster says nothing more there. Look whether its components show what is so.`;
  }
  const { incident, note } = told;
  const link = incident.link === undefined ? "" : `: ${incident.link}`;
  const parts = [
    ...(note.opened === update.key ? [`Customers are told on the status page${link}.`] : []),
    ...(update.status === "resolved" && note.left.length > 0 ? ["The incident on the status page is resolved."] : []),
    ...note.left,
  ];
  return parts.length > 0 ? parts.join(" ") : undefined;
}

/** What people read when the page will never take an update like this. Pure. */
export function refusalOf({ page, status }: Pick<Update, "page" | "status">, why: string): string {
  return `The status page was not told "${status}": ${why}. The run does not wait for it. Tell customers yourself, and look at statusPage in the estate: Muster tries the page ${page} again with the next update.`;
}

/** Why the page refuses, for the middle of a sentence. Pure. */
export function whyRefused({ trouble, message }: PageFailed): string {
  const what: Record<number, string> = {
    401: "Statuspage does not know Muster's token",
    403: "Statuspage does not let Muster's token change this page",
    404: "Statuspage has no such page, or does not show it to Muster's token",
    422: "Statuspage does not take it as it is",
  };
  return `${what[trouble.kind === "refused" ? trouble.status : 0] ?? "Statuspage refuses it"}; ${message}`;
}
