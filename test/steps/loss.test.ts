import { describe, expect, it } from "@jest/globals";
import { lastWrite, lossSeconds, type SignsOfLife } from "../../src/steps/loss.ts";

const at = (seconds: number) => new Date(Date.parse("2026-11-23T12:00:00.000Z") + seconds * 1000).toISOString();

describe("the last write of a writer that fell silent", () => {
  it.each<[string, SignsOfLife, number | undefined]>([
    ["is its last beat where nobody probed", { beatAt: at(10) }, 10],
    ["is its last beat where that is later", { beatAt: at(10), greenAt: at(8), redSince: at(18) }, 10],
    ["is the last customer served where that is later", { beatAt: at(10), greenAt: at(19), redSince: at(29) }, 19],
    [
      "may be as late as the red probe where the heartbeat had ended",
      { beatAt: at(10), greenAt: at(60), redSince: at(70) },
      70,
    ],
    ["is not over while customers are served without a heartbeat", { beatAt: at(10), greenAt: at(60) }, undefined],
    ["is known by the probes alone", { greenAt: at(60), redSince: at(70) }, 70],
    ["is unknown where nothing tells", {}, undefined],
  ])("%s", (_name, signs, seconds) => {
    expect(lastWrite(signs)).toBe(seconds === undefined ? undefined : at(seconds));
  });

  it("loses what did not arrive, in whole beats, and the one that nobody saw", () => {
    expect(lossSeconds(at(12), at(0))).toBe(15);
    expect(lossSeconds(at(0), at(0))).toBe(5);
    expect(lossSeconds(at(0), at(30))).toBe(5);
    expect(lossSeconds(undefined, at(0))).toBeUndefined();
    expect(lossSeconds(at(0), undefined)).toBeUndefined();
  });
});
