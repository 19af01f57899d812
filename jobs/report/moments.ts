import type { Moments } from "./failover.ts";

/** The eight moments of a failover in the order in which they mostly come, as people read them. */
export const moments: readonly { name: keyof Moments; label: string }[] = [
  { name: "impact", label: "Impact (first red probe)" },
  { name: "detected", label: "Detected (confirmed)" },
  { name: "declared", label: "Declared" },
  { name: "approved", label: "Approved" },
  { name: "writable", label: "Database writable" },
  { name: "served", label: "Customers served again" },
  { name: "held", label: "Window held" },
  { name: "redundant", label: "Redundancy restored" },
];

/** What stands where nobody saw a moment, or where it has not come. */
export const withoutMoment = (name: keyof Moments): string => (name === "redundant" ? "not yet" : "unknown");
