import { describe, expect, it } from "@jest/globals";
import { capital, spell } from "../src/spelling.ts";

describe("how a time is said", () => {
  it.each([
    [1, "1 second"],
    [90, "90 seconds"],
    [120, "2 minutes"],
    [930, "15.5 minutes"],
    [7200, "2 hours"],
  ])("%d s", (seconds, words) => expect(spell(seconds)).toBe(words));
});

describe("how a sentence begins", () => {
  it.each([
    ["it is done", "It is done"],
    ["élan", "Élan"],
    ["", ""],
  ])("%j", (text, sentence) => expect(capital(text)).toBe(sentence));
});
