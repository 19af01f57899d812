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

/** Tells in one line what an error says, whatever was thrown. Bodies and headers of replies are left out. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && !error.message && error.errors.length > 0) return messageOf(error.errors[0]);
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";
  return `${message}${cause}`.replaceAll(/\s+/g, " ").slice(0, 500);
}
