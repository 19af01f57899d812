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
  /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|InvalidClientTokenId|SignatureDoesNotMatch|ExpiredToken|ExpiredTokenException)$/;

/** Turns a refusal of our rights into sentences a person can act on; every other error stays as it is. */
export function explainDenied(error: unknown, deed: string, permission: string): unknown {
  if (!(error instanceof Error) || !denied.test(error.name)) return error;
  return new CannotContinue(
    {
      happened: `AWS did not let Muster ${deed} (${permission}: ${error.name}).`,
      means: "This call changed nothing.",
      todo: `Give Muster's role ${permission}, then press Continue.`,
    },
    { cause: error },
  );
}
