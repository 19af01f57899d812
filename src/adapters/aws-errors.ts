import { CannotContinue } from "../errors.ts";

type AwsError = Error & { $metadata?: { httpStatusCode?: number } };

/** AWS was asked too often and did nothing; asking later may help. */
export function isThrottled(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(Throttling|ThrottlingException|RequestLimitExceeded|TooManyRequestsException|PriorRequestNotComplete)$/.test(
      error.name,
    )
  );
}

/** AWS answered 4xx: the request was refused as a whole and changed nothing. A 5xx or silence proves nothing. */
export function isRefusal(error: unknown): boolean {
  const status = (error as AwsError | undefined)?.$metadata?.httpStatusCode;
  return status !== undefined && status >= 400 && status < 500;
}

const denied =
  /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|InvalidClientTokenId|SignatureDoesNotMatch)$/;

/** Credentials that were good, and are past their time: no right is missing, and the SDK asks for new ones with each call. */
const expired = /^(ExpiredToken|ExpiredTokenException)$/;

/**
 * Turns a refusal of our rights into sentences a person can act on. Credentials that have expired are no such refusal: the
 * error says so and stays what it is, so that the call is made again. Every other error stays as it is.
 */
export function explainDenied(error: unknown, deed: string, permission: string): unknown {
  if (!(error instanceof Error)) return error;
  if (expired.test(error.name)) {
    error.message = `AWS did not ${deed}, because Muster's credentials have expired (${error.name}); it is tried again with fresh credentials`;
    return error;
  }
  if (!denied.test(error.name)) return error;
  return new CannotContinue(
    {
      happened: `AWS did not let Muster ${deed} (${permission}: ${error.name}).`,
      means: "This call changed nothing.",
      todo: `Give Muster's role ${permission}, then press Continue.`,
    },
    { cause: error },
  );
}
