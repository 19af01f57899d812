import type { RunView } from "../../src/engine/view.ts";
import type { SwitchGlobalClusterInput } from "../../src/steps/switch-global-cluster.ts";
import { promotionSteps } from "../../src/steps/promotions.ts";
import { stepOf } from "./step-of.ts";

/** The promotion of a run's one service, once it is done; `change` where it was that of a global cluster's roles. Pure. */
export function promotionOf(view: RunView): { at: Date; change?: SwitchGlobalClusterInput["change"] } | undefined {
  const promoted = promotionSteps.map((step) => stepOf(view, step)).find((step) => step?.done);
  if (!promoted?.done) return undefined;
  const { change } = promoted.node.input as Partial<SwitchGlobalClusterInput>;
  return { at: promoted.done.at, ...(change === undefined ? {} : { change }) };
}

/** Since when a new writer has a replica, as far as the promotion itself sees to that: a switchover makes the old one follow. Pure. */
export function redundantSince(view: RunView): Date | undefined {
  const promotion = promotionOf(view);
  return promotion?.change === "switchover" ? promotion.at : undefined;
}
