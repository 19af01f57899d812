import { Estate } from "../estate.ts";

/** Where something stands in the estate: ["services", "checkout", "traffic", "zone"]. */
export type Path = readonly (string | number)[];

type Holder = Record<string | number, unknown>;

/** An estate while it grows. What it holds already is proven piece by piece; what is still to come does not count yet. */
export class Draft {
  readonly whole: Holder = {};

  /** Puts a value at a place, unless the estate's own schema has something against it: that is returned, and nothing is put. */
  put(path: Path, value: unknown): string | undefined {
    const before = structuredClone(this.whole);
    this.#set(path, value);
    const fault = this.#faultAt(path);
    if (fault !== undefined) {
      for (const key of Object.keys(this.whole)) delete this.whole[key];
      Object.assign(this.whole, before);
    }
    return fault;
  }

  /** Says what is wrong with a name under which something is to stand, such as a person's. */
  faultOfName(path: Path): string | undefined {
    const trial = new Draft();
    trial.#set(path, {});
    return trial.#issues(path).find(({ isName }) => isName)?.says;
  }

  #set(path: Path, value: unknown): void {
    let holder = this.whole;
    for (const [index, key] of path.slice(0, -1).entries()) {
      holder[key] ??= typeof path[index + 1] === "number" ? [] : {};
      holder = holder[key] as Holder;
    }
    const last = path.at(-1);
    if (last !== undefined) holder[last] = value;
  }

  #faultAt(path: Path): string | undefined {
    return this.#issues(path)[0]?.says;
  }

  #issues(path: Path): { says: string; isName: boolean }[] {
    const { error } = Estate.safeParse(this.whole);
    const here = (error?.issues ?? []).filter((issue) => path.every((key, index) => issue.path[index] === key));
    return here.map((issue) => {
      const isName = issue.code === "invalid_key";
      const message = (isName ? issue.issues[0]?.message : undefined) ?? issue.message;
      return { says: message.replace(/^Invalid (?:input|option): /, ""), isName };
    });
  }
}
