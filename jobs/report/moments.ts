import type { Moments } from "./failover.ts";

/** The eight moments of a failover in the order in which they mostly come, as people read them. */
const moments: readonly { name: keyof Moments; label: string }[] = [
  { name: "impact", label: "Impact (first red probe)" },
  { name: "detected", label: "Detected (confirmed)" },
  { name: "declared", label: "Declared" },
  { name: "approved", label: "Approved" },
  { name: "writable", label: "Database writable" },
  { name: "served", label: "Customers served again" },
  { name: "held", label: "Window held" },
  { name: "redundant", label: "Redundancy restored" },
];

/** Moments that only a service with a database has. */
const ofDatabase: readonly (keyof Moments)[] = ["writable", "redundant"];

/** The moments of what keeps data, or does not: without a writer there is none to be writable, and no replica to be lost. */
export const momentsOf = (keepsData: boolean): typeof moments =>
  moments.filter(({ name }) => keepsData || !ofDatabase.includes(name));

/** What stands where nobody saw a moment, or where it has not come. Whether people have built a replica is not looked at. */
export const withoutMoment = (name: keyof Moments): string =>
  name === "redundant" ? "not looked at by Muster" : "unknown";
