import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { UserError } from "../src/errors.ts";
import { splitWords } from "../src/words.ts";

describe("splitting what a person typed", () => {
  it.each([
    ["", []],
    ["  us-west-2   checkout ", ["us-west-2", "checkout"]],
    [`a --reason "the region is dark"`, ["a", "--reason", "the region is dark"]],
    [`--reason='it is dark'`, ["--reason=it is dark"]],
    [`--reason="two words" b`, ["--reason=two words", "b"]],
    ["--reason “smart quotes”", ["--reason", "smart quotes"]],
    ["don't stop", ["don't", "stop"]],
    [`--reason ""`, ["--reason", ""]],
    ["us-west-2 —dry-run", ["us-west-2", "--dry-run"]],
    ["a\tb\nc", ["a", "b", "c"]],
    ["a — b", ["a", "—", "b"]],
  ])("%j becomes %j", (text, words) => {
    expect(splitWords(text)).toEqual(words);
  });

  it.each([
    [`a "b`, /^A quote \("\) was opened and not closed\. Nothing was changed\. Close it/],
    ["a “b", /^A quote \(”\) was opened and not closed/],
    ["a\u0001b", /U\+0001/],
    ["a\u202eb", /U\+202E/],
    ["x".repeat(40_000), /^The command was 40,000 characters long; 3,000 are read\. Nothing was changed\./],
  ])("%j is refused in three sentences", (text, said) => {
    expect(() => splitWords(text)).toThrow(UserError);
    expect(() => splitWords(text)).toThrow(said);
  });

  it("gives words back or a UserError, whatever is typed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        try {
          for (const word of splitWords(text)) expect(typeof word).toBe("string");
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
    );
  });

  it("gives quoted words back as they were", () => {
    fc.assert(
      fc.property(fc.array(fc.string().filter((word) => !word.includes('"'))), (words) => {
        expect(splitWords(words.map((word) => `"${word}"`).join(" "))).toEqual(words);
      }),
    );
  });
});
