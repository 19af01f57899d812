import { whyUnreachable } from "./unreachable.ts";

/**
 * Tells whether an error says that whoever was asked is in trouble: nothing answered, or it answered that it cannot (5xx).
 * A refusal, a "slow down" or an error of a statement is the answer of something that lives.
 */
export function isTrouble(error: unknown): boolean {
  return whyUnreachable(error) !== undefined || statusOf(error) >= 500 || hasNoAnswer(error);
}

/** Slack's client may drop the reason that fetch gave, and keeps its words. */
const hasNoAnswer = (error: unknown): boolean => /fetch failed/.test((Object(error) as Partial<Error>).message ?? "");

/** The HTTP status of an answer, where the AWS SDK, Slack's client and our Kubernetes client put it; 0 where there was none. */
function statusOf(error: unknown): number {
  const { $metadata, statusCode, status } = Object(error) as {
    $metadata?: { httpStatusCode?: number };
    statusCode?: unknown;
    status?: unknown;
  };
  const found = $metadata?.httpStatusCode ?? statusCode ?? status;
  return typeof found === "number" ? found : 0;
}
