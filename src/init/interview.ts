import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { UserError } from "../errors.ts";
import type { Draft, Path } from "./draft.ts";

export type Asked = {
  asks: string;
  /** What an empty line stands for. */
  otherwise?: string;
  /** An empty line leaves it out. */
  optional?: true;
  /** Says what is wrong with an answer that no schema can see. */
  fault?: (text: string) => string | undefined;
};

/** Asks questions in a terminal, or reads the answers from a file, a line each. */
export class Interview {
  readonly #reader: Interface;
  readonly #lines: AsyncIterator<string>;
  readonly #print: (line: string) => void;
  /** The end of the input may come before its lines are read; nothing more is shown then. */
  #ended = false;

  constructor({
    input,
    output,
    print,
  }: {
    input: Readable;
    output?: Writable | undefined;
    print: (line: string) => void;
  }) {
    this.#reader = createInterface({ input, ...(output ? { output, prompt: "> " } : {}) });
    // From the first moment: a line that comes before it is asked for must not be lost.
    this.#lines = this.#reader[Symbol.asyncIterator]();
    this.#reader.once("close", () => (this.#ended = true));
    this.#print = print;
  }

  /** Says something that is no question. */
  say(line: string): void {
    this.#print(line);
  }

  /**
   * Asks until there is an answer nothing is said against, and returns it; "" where it was left out.
   * @throws UserError when the answers end.
   */
  async ask({ asks, otherwise, optional, fault }: Asked): Promise<string> {
    const hint = otherwise === undefined ? (optional ? " [none]" : "") : ` [${otherwise}]`;
    this.#print(`${asks}${hint}`);
    for (;;) {
      const typed = await this.#readLine();
      const answer = typed === "" ? otherwise : typed;
      if (answer === undefined && optional) return "";
      const wrong = answer === undefined ? "This one is needed" : fault?.(answer);
      if (wrong === undefined) return answer ?? "";
      this.#print(`${wrong}. Once more:`);
    }
  }

  /** Asks for what stands at a place of the estate, and puts it there. Returns it, or undefined where it was left out. */
  async fill<Value = string>(
    draft: Draft,
    path: Path,
    { read, fault, ...asked }: Asked & { read?: (text: string) => Value },
  ): Promise<Value | undefined> {
    let value: Value | undefined;
    const judge = (text: string) => {
      value = read ? read(text) : (text as Value);
      return fault?.(text) ?? draft.put(path, value);
    };
    await this.ask({ ...asked, fault: judge });
    return value;
  }

  /** Asks for a yes or a no; an empty line is a yes. */
  async confirms(asks: string): Promise<boolean> {
    const fault = (text: string) => (/^(?:y|yes|n|no)$/i.test(text) ? undefined : "expected yes or no");
    return (await this.ask({ asks, otherwise: "yes", fault })).toLowerCase().startsWith("y");
  }

  close(): void {
    this.#reader.close();
  }

  async #readLine(): Promise<string> {
    if (!this.#ended) this.#reader.prompt();
    const { done, value } = await this.#lines.next();
    if (!done) return value.trim();
    throw new UserError({
      happened: "The answers ended before the questions did.",
      means: "No estate file was written.",
      todo: "Type muster init again, and answer to the end.",
    });
  }
}
