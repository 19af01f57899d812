import type { Failing } from "../breaker.ts";
import type { Context } from "../context.ts";

/**
 * Lists whom this process calls in vain, the longest first, as its circuit breakers know it. A probe's silence is not among
 * them: it is a customer's, and told as such.
 */
export function listFailingCalls({ breakers }: Pick<Context, "breakers">): Failing[] {
  return (breakers?.failing() ?? []).filter(({ target }) => !target.startsWith("probe "));
}
