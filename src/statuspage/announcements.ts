import type { IncidentStatus } from "../adapters/statuspage.ts";
import type { Announcement, Occasion } from "../engine/announce.ts";
import type { StatusUpdate } from "./update.ts";
import { words } from "./words.ts";

const staysOpen =
  "The incident on the status page stays open: once customers are served, close it there and set its components back.";

export type Telling = {
  /** The page's id. */
  page: string;
  /** Ids of the components that stand for what is moved. */
  components: readonly string[];
  mode: keyof typeof words;
  /** Ids of the steps that prove that data can be written again, that customers are served, and that it stays so. */
  proofs: { dataReady: string[]; served: string[]; held: string[] };
};

/**
 * Says what customers are told of a move, and when. It is only called over once customers were seen to be served for the
 * whole stability window; where somebody waived that, or the run ended without it, the incident stays open. Pure.
 */
export function statusAnnouncements({ page, components, mode, proofs }: Telling): Announcement[] {
  const says = words[mode];
  const shows = Object.fromEntries(components.map((id) => [id, says.components]));
  const update = (on: Occasion, status: IncidentStatus, body: string) => {
    const statusPage: StatusUpdate = { page, name: says.name, status, body, components: shows };
    return { on, to: "statuspage", payload: { lines: [body], statusPage } };
  };
  const unlessDone = proofs.held;
  return [
    update({ kind: "started" }, "investigating", says.started),
    update({ kind: "done", steps: proofs.dataReady }, "identified", says.dataReady),
    update({ kind: "done", steps: proofs.served }, "monitoring", says.served),
    update({ kind: "done", steps: proofs.held }, "resolved", says.held),
    // Whatever was said before: it is not over.
    update({ kind: "parked", unlessDone }, "identified", says.parked),
    { ...update({ kind: "ended", unlessDone }, "identified", says.stopped), aside: staysOpen },
  ];
}
