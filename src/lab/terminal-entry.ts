import { parseArgs, type ParseArgsConfig } from "node:util";
import { messageOf, UserError } from "../errors.ts";

type Options = NonNullable<ParseArgsConfig["options"]>;

/** Reads what was typed behind the name of the lab or the demo. @throws UserError for an option there is not, or a value that is missing. */
export function readTyped<O extends Options>(options: O, usage: string) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw wrong(messageOf(error).split(". ")[0] ?? "", usage);
  }
}

/** Reads a whole number between two limits. @throws UserError when it is none. */
export function readNumber(typed: string, [least, most]: readonly [number, number], usage: string): number {
  const value = Number(typed);
  if (typed.trim() !== "" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw wrong(`"${typed}" is not a whole number from ${least} to ${most}`, usage);
}

const wrong = (happened: string, usage: string) =>
  new UserError({ happened: `${happened}.`, means: "Nothing was started.", todo: `Type: ${usage}` });

/**
 * Runs a program of the lab to its end, and the process with it: left to itself, Node waits now and then for ever for a child
 * that has ended. What broke is said in sentences; only what nobody foresaw brings its stack.
 */
export async function runProgram(name: string, program: () => Promise<number>): Promise<void> {
  try {
    process.exit(await program());
  } catch (error) {
    const words =
      error instanceof UserError
        ? error.message
        : `The ${name} broke: ${messageOf(error)}. Nothing outside this machine was touched. Start it again.\n${(error as Error).stack}`;
    process.stderr.write(`${words}\n`);
    process.exit(1);
  }
}
