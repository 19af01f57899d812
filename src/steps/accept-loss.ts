import { gate, isUnknown, type Json } from "../engine/step.ts";

export type AcceptLossInput = {
  service: string;
  rpoSeconds: number;
  /** The figure on the card that was approved; null where the card said "unknown". */
  shownLossSeconds: number | null;
};

/** Asks before more is lost than the service's objective allows: the last moment at which all can be undone. */
export const acceptLoss = gate<AcceptLossInput>({
  name: "accept-loss",
  title: ({ service, rpoSeconds }) =>
    `ask the approvers if more than ${rpoSeconds} s of ${service}'s writes would be lost`,

  question({ service, rpoSeconds, shownLossSeconds }, reads) {
    const seen = reads["catch-up"];
    const shown = shownLossSeconds === null ? "unknown" : `${shownLossSeconds} s`;
    if (isUnknown(seen))
      return `${seen.unknown}. How much of ${service} is lost is unknown; the card said ${shown}. Promote?`;
    const loss = lossOf(seen);
    if (loss === undefined) {
      if (shownLossSeconds === null) return undefined;
      return `How much of ${service} is lost is unknown; the card said ${shown}, ${rpoSeconds} s are allowed. Promote?`;
    }
    if (loss <= rpoSeconds) return undefined;
    return `${loss} s of ${service}'s writes would be lost, ${rpoSeconds} s are allowed; the card said ${shown}. Promote?`;
  },

  needed: 2,
});

function lossOf(seen: Json | undefined): number | undefined {
  if (typeof seen !== "object" || seen === null || Array.isArray(seen)) return undefined;
  return typeof seen["lossSeconds"] === "number" ? seen["lossSeconds"] : undefined;
}
