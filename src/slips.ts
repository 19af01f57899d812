import type { Log } from "./call.ts";
import { messageOf, rewordError } from "./errors.ts";

/**
 * Takes what nobody waited for out of Node's hands, which would print it as it is and end the process. Returns how to leave off.
 * What is thrown may be anything, also nothing at all.
 */
export function hearSlips({ log, redact }: { log: Log; redact: (text: string) => string }): () => void {
  // It has failed nobody; a library's slip must not end a server. What runs is looked at again anyway.
  const slipped = (error: unknown) =>
    log.error({ error: messageOf(error), stack: stackOf(error) }, "something failed that nobody waited for");
  const broke = (error: unknown) => {
    process.stderr.write(`${stackOf(rewordError(error, redact)) ?? redact(String(error))}\n`);
    process.exit(1);
  };
  process.on("unhandledRejection", slipped);
  process.on("uncaughtException", broke);
  return () => {
    process.off("unhandledRejection", slipped);
    process.off("uncaughtException", broke);
  };
}

const stackOf = (error: unknown): string | undefined => (error instanceof Error ? error.stack : undefined);
