import { describe, expect, it } from "@jest/globals";
import { isAboutAMinute } from "../../src/outbox/drain.ts";

describe("the try after which people hear of it", () => {
  it.each([
    [1, 7],
    [2, 7],
    [10, 7],
    [20, 4],
    [30, 3],
    [60, 2],
    [600, 2],
  ])(
    "with %i s before the next one is the first that comes about a minute after the first: number %i",
    (wait, first) => {
      const told = Array.from({ length: 20 }, (_, at) => at + 1).filter((attempts) => isAboutAMinute(attempts, wait));
      expect([told[0], told.at(-1)]).toEqual([first, 7]);
    },
  );
});
