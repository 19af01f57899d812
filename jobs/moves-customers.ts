import { flipControlObject } from "../src/steps/flip-control-object.ts";
import { setRoutingControls } from "../src/steps/set-routing-controls.ts";
import { shiftDns } from "../src/steps/shift-dns.ts";
import { swapRecords } from "../src/steps/swap-records.ts";

const names: ReadonlySet<string> = new Set([
  shiftDns.name,
  swapRecords.name,
  flipControlObject.name,
  setRoutingControls.name,
]);

/** Tells whether a step is the one that sends customers to the new region, by whichever driver. */
export const movesCustomers = (step: string): boolean => names.has(step);
