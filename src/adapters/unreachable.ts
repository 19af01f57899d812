import { CallTimedOut } from "../call.ts";

const reasons: Record<string, string> = {
  ECONNREFUSED: "refuses connections",
  ECONNRESET: "breaks connections",
  EPIPE: "breaks connections",
  ENOTFOUND: "has no address",
  ENODATA: "has no address",
  ESERVFAIL: "has no address: the name server fails",
  EREFUSED: "has no address: the name server refuses",
  ETIMEOUT: "has no address: the name server does not answer",
  EHOSTUNREACH: "cannot be reached",
  ENETUNREACH: "cannot be reached",
  ETIMEDOUT: "does not answer",
  UND_ERR_CONNECT_TIMEOUT: "does not answer",
  UND_ERR_HEADERS_TIMEOUT: "does not answer",
  UND_ERR_BODY_TIMEOUT: "does not answer",
  UND_ERR_SOCKET: "breaks connections",
  // A Postgres that starts, stops or was crashed.
  "57P01": "is shutting down",
  "57P02": "has crashed",
  "57P03": "is starting",
};

/**
 * Tells why nothing answered, as the end of a sentence about the one that was asked ("refuses connections"); undefined
 * when something did answer, be it with an error.
 */
export function whyUnreachable(error: unknown): string | undefined {
  if (error instanceof CallTimedOut) return "does not answer";
  if (error instanceof AggregateError) return whyUnreachable(error.errors[0]);
  if (!(error instanceof Error)) return undefined;
  const { code } = error as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : reasons[code];
  if (known) return known;
  // pg has no code for these two.
  if (/Connection terminated due to connection timeout|timeout expired/.test(error.message)) return "does not answer";
  if (/Connection terminated unexpectedly/.test(error.message)) return "breaks connections";
  return error.cause === undefined ? undefined : whyUnreachable(error.cause);
}
