import { z } from "zod";
import { componentStatuses, type Incident } from "../adapters/statuspage.ts";

const status = z.enum(componentStatuses);

/** What Muster writes into an incident's metadata: whose it is, and what has to be set back. Nobody's customers see it. */
const note = z.object({
  run: z.string(),
  /** The message that opened it, and the newest one that arrived. */
  opened: z.string(),
  newest: z.string(),
  changed: z.record(z.string(), z.object({ from: status, to: status })),
  /** A sentence for each component that the newest one left as it was. */
  left: z.array(z.string()),
});
export type Note = z.infer<typeof note>;

/** Reads Muster's note in an incident; undefined in one of somebody else. */
export function noteOf({ metadata }: Incident): Note | undefined {
  const read = note.safeParse(metadata["muster"]);
  return read.success ? read.data : undefined;
}
