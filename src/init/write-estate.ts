import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { stringify } from "yaml";
import { UserError } from "../errors.ts";
import { parseEstate } from "../estate-file.ts";
import { Draft } from "./draft.ts";
import { Interview } from "./interview.ts";
import { askForPeople } from "./people.ts";
import { askForPlaces } from "./places.ts";
import { askForService } from "./service.ts";

export type Init = {
  path: string;
  input: Readable;
  /** A terminal, where there is one: it shows what is typed. */
  output?: Writable | undefined;
  print: (line: string) => void;
};

const head = `# What Muster looks after. docs/estate.md explains it, docs/estate-reference.md has every key there is.
# yaml-language-server: $schema=./docs/estate.schema.json
`;

/**
 * Writes a first estate file from answers. Each is checked as it comes, and the whole by the estate's own reader before it is
 * written. A file that is there already is never touched.
 * @throws UserError when there is one, when the answers end too early, or when it cannot be written.
 */
export async function writeEstate({ path, print, ...terminal }: Init): Promise<void> {
  if (existsSync(path)) throw isThere(path);
  const interview = new Interview({ ...terminal, print });
  try {
    print(`An estate file, ${path}. What stands in brackets is taken for an empty line.`);
    const draft = new Draft();
    const regions = await askForPlaces(interview, draft);
    await askForPeople(interview, draft);
    const service = await askForService(interview, draft, regions);
    const text = head + stringify(draft.whole);
    parseEstate(text, path);
    await write(path, text, print);
    print(`${path} was written, with the service ${service}. Now type: muster doctor`);
  } finally {
    interview.close();
  }
}

async function write(path: string, text: string, print: Init["print"]): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx" });
  } catch (error) {
    // Whoever answered all that is not to answer it twice.
    print(text);
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw isThere(path);
    throw new UserError({
      happened: `The estate file "${path}" could not be written (${code}).`,
      means: "What was answered stands above, and nowhere else.",
      todo: "Copy it into a file, and set ESTATE to that file's path.",
    });
  }
}

const isThere = (path: string): UserError =>
  new UserError({
    happened: `There is a file "${path}" already.`,
    means: "It was not touched, and nothing was changed.",
    todo: "Edit that one, or set ESTATE to a path where there is none.",
  });
