import { clip } from "./spelling.ts";

/** The three sentences a person at 3 a.m. needs, in the order they need them. */
export type Explanation = {
  /** What happened. Past tense, with the value that was wrong. */ happened: string;
  /** What that means: has anything changed, is anything still at risk. */ means: string;
  /** What to do next. One action, with the choices spelled out. */ todo: string;
};

abstract class Explained extends Error {
  readonly explanation: Explanation;

  constructor(explanation: Explanation, options?: ErrorOptions) {
    super(`${explanation.happened} ${explanation.means} ${explanation.todo}`, options);
    this.name = new.target.name;
    this.explanation = explanation;
  }
}

/** Whoever asked can put it right. Shown to them word for word; not logged as a fault. */
export class UserError extends Explained {}

/** Trying again cannot help. The engine parks the run and asks a person. */
export class CannotContinue extends Explained {}

/** How people end a run that is under way: Undo is refused once there is no way back. */
export const endTheRun = "press Undo, or Abandon once a promotion was asked for";

/** What to do where the estate is wrong that a run was made from: the run keeps what it had, so it has to end first. */
export const correctEstate = (what = "the estate"): string =>
  `${endTheRun}, then correct ${what} and type the command anew`;

/** Tells in one line what an error says, whatever was thrown. Bodies and headers of replies are left out. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && !error.message && error.errors.length > 0) return messageOf(error.errors[0]);
  const message = error instanceof Error ? error.message : String(error);
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
  // Whoever wraps an error mostly repeats what it said.
  const cause = inner === "" || message.includes(inner) ? "" : ` (${inner})`;
  // What is journalled goes into a JSON column, which takes neither NUL nor half of an emoji.
  return clip(`${message}${cause}`.replaceAll(/[\s\p{Cc}]+/gu, " "), 500).toWellFormed();
}

/** Rewords what an error says, and what caused it; its class, its codes and its shape stay as they are. */
export function rewordError(error: unknown, reword: (text: string) => string): unknown {
  const open = [error];
  const done = new Set<object>();
  for (let at = open.pop(); at !== undefined || open.length > 0; at = open.pop()) {
    if (typeof at !== "object" || at === null || done.has(at)) continue;
    done.add(at);
    const { explanation, cause, errors } = at as { explanation?: object; cause?: unknown; errors?: unknown };
    open.push(cause, ...(Array.isArray(errors) ? (errors as unknown[]) : []));
    for (const [name, text] of Object.entries({ ...explanation })) rewordOne(explanation as object, name, text, reword);
    for (const name of ["message", "stack"]) rewordOne(at, name, Reflect.get(at, name), reword);
  }
  return error;
}

function rewordOne(holder: object, name: string, text: unknown, reword: (text: string) => string): void {
  if (typeof text === "string" && reword(text) !== text) Reflect.set(holder, name, reword(text));
}
