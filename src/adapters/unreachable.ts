import { NotTried } from "../breaker.ts";
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

/** pg, kysely and ioredis have no code for some, and the AWS SDK drops the code of errors that it wraps. */
const wordings: readonly [RegExp, string][] = [
  [/Connection terminated due to connection timeout|timeout expired|ETIMEDOUT|Command timed out/, "does not answer"],
  [
    /Connection terminated unexpectedly|connection (error and is not queryable|has been discarded)|socket hang up|ECONNRESET/,
    "breaks connections",
  ],
  [/ECONNREFUSED/, "refuses connections"],
  [/ENOTFOUND/, "has no address"],
];

/**
 * Tells why nothing answered, as the end of a sentence about the one that was asked ("refuses connections"); undefined
 * when something did answer, be it with an error.
 */
export function whyUnreachable(error: unknown): string | undefined {
  if (error instanceof CallTimedOut) return "does not answer";
  if (error instanceof NotTried) return "has not been answering";
  // By shape, not by class: errors of sockets are born outside the realm a test runs in.
  const { code, message, errors, cause } = Object(error) as Partial<NodeJS.ErrnoException> & Partial<AggregateError>;
  const known = code === undefined ? undefined : reasons[code];
  if (known) return known;
  if (Array.isArray(errors) && errors.length > 0) return whyUnreachable(errors[0]);
  for (const [words, reason] of wordings) if (words.test(message ?? "")) return reason;
  return cause === undefined ? undefined : whyUnreachable(cause);
}

const noConnection = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
];

/** Tells whether an error proves that no byte of the request went out. */
export function neverLeft(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && noConnection.includes(String(at.code))) return true;
    if (at instanceof AggregateError && at.errors.length > 0) return at.errors.every(neverLeft);
  }
  return false;
}
