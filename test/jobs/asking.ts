import { failover } from "../../jobs/failover.ts";
import type { Asking } from "../../jobs/propose/propose.ts";
import { healthy, sawNothing } from "./facts.ts";

/** Somebody who asks in Slack. */
export const asking = (by: string, callId = crypto.randomUUID()): Asking => ({
  by,
  callId,
  place: { kind: "slack", channel: "C01" },
});

/** The failover job, seeing what a test wants it to see. */
export const seeing = (facts: typeof healthy) => ({ ...failover, look: () => Promise.resolve(facts) });

/** Facts that block every plan. */
export const blocked = { ...healthy, dns: { ...healthy.dns, records: sawNothing("Route 53 does not answer") } };
