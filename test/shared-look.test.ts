import { describe, expect, it } from "@jest/globals";
import { shareLook } from "../src/shared-look.ts";

describe("a look that many ask for", () => {
  it("is made once for all who ask while it is under way, and is kept for its time", async () => {
    let looks = 0;
    const look = shareLook(() => Promise.resolve((looks += 1)), 3_600_000);
    expect(await Promise.all([look(), look(), look()])).toEqual([1, 1, 1]);
    expect(await look()).toBe(1);
  });

  it("is made anew for the next where nothing is kept, and after one that failed", async () => {
    let looks = 0;
    const fresh = shareLook(() => Promise.resolve((looks += 1)), 0);
    expect([await fresh(), await fresh()]).toEqual([1, 2]);
    const failing = shareLook(() => Promise.reject(new Error(`look ${(looks += 1)}`)), 3_600_000);
    await expect(Promise.all([failing(), failing()])).rejects.toThrow("look 3");
    await expect(failing()).rejects.toThrow("look 4");
  });
});
