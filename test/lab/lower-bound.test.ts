import { describe, expect, it } from "@jest/globals";
import { lowerBound } from "../../src/lab/lower-bound.ts";

const even = { stabilitySeconds: 60 };

describe("the shortest time of a move", () => {
  it("is, of one service without data: its pods, a change, its window", () => {
    const { parts, seconds } = lowerBound({ waves: [{ services: 1, databases: 0 }], ...even });
    expect(parts).toEqual({ serving: 13.1, requests: 0, spreading: 40, stability: 60 });
    expect(seconds).toBeCloseTo(113.1);
  });

  it("has the promotion instead of the pods where there is a database", () => {
    const { parts } = lowerBound({ waves: [{ services: 5, databases: 1 }], ...even });
    expect(parts["serving"]).toBeCloseTo(0.6 + 3 + 6 + 82.5 + 40);
  });

  it("goes wave by wave, each with the requests that Route 53 gives a second", () => {
    const wave = { services: 250, databases: 5 };
    const { parts } = lowerBound({ waves: [wave, wave, wave, wave], ...even });
    // Seven pages and a batch, of which five requests are free.
    expect(parts["requests"]).toBeCloseTo((4 * 3) / 5);
    expect(parts["spreading"]).toBe(160);
    // A batch holds 250 services, and not one more.
    const more = lowerBound({ waves: [{ services: 251, databases: 0 }], ...even });
    expect(more.parts["requests"]).toBeCloseTo((2 + 2 - 4) / 5);
    const full = lowerBound({ waves: [{ services: 1001, databases: 0 }], ...even });
    expect(full.parts["requests"]).toBeCloseTo((7 + 5 - 5) / 5);
  });
});
