import { CannotContinue } from "../errors.ts";

type AwsError = Error & { $metadata?: { httpStatusCode?: number; clockSkewCorrected?: true } };

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

/** AWS knows who asks, and the right is not among those they have. */
const denied = /^(AccessDenied|AccessDeniedException|UnauthorizedOperation)$/;

/** AWS knows who asked, and did not let them. */
export const isDenied = (error: unknown): boolean => error instanceof Error && denied.test(error.name);

/**
 * AWS does not know the access key or its token, or does not take what was signed with it; each protocol says it in words of
 * its own. Rights are not even looked at.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const unknownKey = /^(InvalidClientTokenId|UnrecognizedClientException|InvalidAccessKeyId|InvalidToken)$/;
const wrongSignature =
  /^(SignatureDoesNotMatch|InvalidSignatureException|RequestTimeTooSkewed|RequestExpired|RequestInTheFuture)$/;

/** Credentials that were good, and are past their time: no right is missing, and the SDK asks for new ones with each call. */
const expired = /^(ExpiredToken|ExpiredTokenException)$/;

/**
 * Turns a refusal of our rights, or of our credentials, into sentences a person can act on. Credentials that have expired and
 * a clock that is off are no such refusal: the SDK asks for new ones, and signs by AWS's clock from then on. The error says
 * so and stays what it is, so that the call is made again. Every other error stays as it is.
 */
export function explainDenied(error: unknown, deed: string, permission: string): unknown {
  if (!(error instanceof Error)) return error;
  const again = whyAgain(error);
  if (again !== undefined) {
    error.message = `AWS did not ${deed}, because ${again}`;
    return error;
  }
  const todo = whatToDo(error, permission);
  if (todo === undefined) return error;
  const lacksRight = isDenied(error);
  return new CannotContinue(
    {
      happened: lacksRight
        ? `AWS did not let Muster ${deed} (${permission}: ${error.name}).`
        : `AWS did not ${deed}: it does not take Muster's credentials (${error.name}).`,
      means: lacksRight
        ? "This call changed nothing."
        : "This call changed nothing. No right is missing: AWS refuses whatever is asked with them.",
      todo,
    },
    { cause: error },
  );
}

function whyAgain(error: AwsError): string | undefined {
  if (expired.test(error.name))
    return `Muster's credentials have expired (${error.name}); it is tried again with fresh credentials`;
  if (wrongSignature.test(error.name) && error.$metadata?.clockSkewCorrected)
    return `the clock of Muster's host is off (${error.name}); it is tried again by AWS's clock`;
  return undefined;
}

function whatToDo({ name }: Error, permission: string): string | undefined {
  const others = "give the process others (a role, a profile or the environment), then press Continue.";
  if (denied.test(name)) return `Give Muster's role ${permission}, then press Continue.`;
  if (unknownKey.test(name))
    return `Look whether their access key still exists, and is for this AWS partition and region: muster doctor asks each region. If not, ${others}`;
  if (wrongSignature.test(name))
    return `Look whether the clock of Muster's host is right: muster doctor compares it. If it is, their secret key is not that of their access key: ${others}`;
  return undefined;
}
