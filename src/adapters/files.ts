import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { call, type CallContext } from "../call.ts";
import { messageOf, UserError } from "../errors.ts";

/**
 * Writes a new file and returns its full path. Nothing that is there already is ever written over.
 * @throws UserError when there is something of that name, or it cannot be written there.
 */
export async function writeNewFile(ctx: CallContext, path: string, content: string | Buffer): Promise<string> {
  const whole = resolve(path);
  try {
    await call(ctx, "file.write", (signal) => writeFile(whole, content, { flag: "wx", signal }));
    return whole;
  } catch (error) {
    const there = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new UserError({
      happened: there ? `There is a file ${whole} already.` : `${whole} could not be written: ${messageOf(error)}.`,
      means: "Nothing was written.",
      todo: there ? "Name another with --out, or move that one away." : "Name another place with --out.",
    });
  }
}
