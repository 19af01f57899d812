import { describe, expect, it } from "@jest/globals";
import { whyExpired } from "../../src/engine/expiry.ts";

const at = new Date("2026-11-26T03:00:00Z");
const approvals = [
  { by: "ben", at },
  { by: "cleo", at },
];

describe("a plan that expired", () => {
  it("says that approvals were missing, or that nobody was there to start it", () => {
    expect(whyExpired({ needed: 2 }, { approvals: approvals.slice(1) })).toEqual({
      sentence: "Only 1 of 2 approvals came within 15 minutes.",
      because: "only 1 of 2 approvals came in time",
    });
    expect(whyExpired({ needed: 1 }, { approvals: [] })).toEqual({
      sentence: "0 of 1 approvals came within 15 minutes.",
      because: "0 of 1 approvals came in time",
    });
    expect(whyExpired({ needed: 2 }, { approvals }).sentence).toBe(
      "It was approved, but no server of Muster could start it within 15 minutes of its plan.",
    );
  });
});
