import { whyUnreachable } from "../adapters/unreachable.ts";
import { CannotContinue, messageOf, UserError } from "../errors.ts";

/** Tells why something could not be seen, in words for people: "checkout-db does not answer". */
export const explainAs =
  (name: string) =>
  (error: unknown): string => {
    if (error instanceof CannotContinue || error instanceof UserError) return withoutStop(error.explanation.happened);
    const why = whyUnreachable(error);
    return why ? `${name} ${why}` : `${name}: ${withoutStop(messageOf(error))}`;
  };

const withoutStop = (sentence: string): string => sentence.replace(/\.+$/, "");
