import { gate, isUnknown } from "../engine/step.ts";
import type { Mode } from "./targets.ts";

export type AcceptSplitBrainInput = { service: string; mode: Mode; fromInstance: string };

/** Asks before a second writer is made while the first could not be fenced, unless the approvals already cover it. */
export const acceptSplitBrain = gate<AcceptSplitBrainInput>({
  name: "accept-split-brain",
  title: ({ fromInstance }) => `ask the approvers before going on without a fence at ${fromInstance}`,

  question({ service, mode, fromInstance }, reads) {
    const fence = reads["fence-writes"];
    const why = isUnknown(fence) ? fence.unknown : undefined;
    if (why !== undefined && mode === "ungraceful") return undefined;
    if (typeof fence === "object" && fence !== null && "provenBy" in fence && fence["provenBy"] !== null)
      return undefined;
    return (
      `${fromInstance} is not fenced${why ? `: ${why}` : ": that step was waived"}. ` +
      `If it still lives, ${service} may write in two places, and what is written there is lost. Go on without a fence?`
    );
  },

  needed: 2,
});
