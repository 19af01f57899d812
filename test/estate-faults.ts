import { expect } from "@jest/globals";
import { UserError } from "../src/errors.ts";
import { parseEstate } from "../src/estate-file.ts";

/** The first line of what is said about a file that is refused. */
export function faultsOf(text: string): string[] {
  try {
    parseEstate(text, "estate.yaml");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.explanation.means).toBe("It was not loaded, and nothing was changed.");
    return error.explanation.happened
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}
