import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from "@slack/web-api";
import { NotTried } from "../breaker.ts";
import { CallTimedOut } from "../call.ts";
import { messageOf } from "../errors.ts";
import { byCode } from "./slack-codes.ts";
import { neverLeft } from "./unreachable.ts";

/** What an error of Slack asks for. */
export type Trouble =
  /** Nothing arrived; the method rests for so many seconds. */
  | { kind: "retry"; afterSeconds: number }
  /** Nothing arrived: it was too long. */
  | { kind: "shorten" }
  /** Nothing arrived: the blocks are not to this workspace's taste. */
  | { kind: "plainer" }
  /** This place cannot be written to any more: the channel, or only the thread or message. */
  | { kind: "re-home"; lost: "channel" | "thread" }
  /** Slack keeps our token or our app out, whatever is said: nothing goes until a person acts. */
  | { kind: "locked-out" }
  /** It may have arrived. */
  | { kind: "doubtful" }
  /** This one thing cannot be done like this; another may. */
  | { kind: "refused" };

/** A call to Slack failed; what to do about it is in `trouble`. */
export class SlackFailed extends Error {
  readonly trouble: Trouble;

  constructor(trouble: Trouble, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "SlackFailed";
    this.trouble = trouble;
  }
}

/** Tells what Slack said, in its own word ("token_revoked"), or why it said nothing. */
export const saidBySlack = (error: unknown): string =>
  error instanceof SlackFailed ? error.message : messageOf(error);

/** Sorts whatever a call to Slack threw. */
export function troubleOf(error: unknown): SlackFailed {
  if (error instanceof SlackFailed) return error;
  return new SlackFailed(sort(error), describe(error), { cause: error });
}

function sort(error: unknown): Trouble {
  if (error instanceof NotTried) return { kind: "retry", afterSeconds: error.afterSeconds };
  if (error instanceof WebAPIRateLimitedError) return { kind: "retry", afterSeconds: Math.max(1, error.retryAfter) };
  if (error instanceof WebAPIPlatformError) return byWord(error.data.error);
  if (error instanceof WebAPIHTTPError) return byStatus(error);
  if (error instanceof CallTimedOut) return { kind: "doubtful" };
  const cause = error instanceof WebAPIRequestError ? error.original : error;
  return neverLeft(cause) ? { kind: "retry", afterSeconds: 1 } : { kind: "doubtful" };
}

/** Slack's client takes a page of somebody else's for a code. Whether Slack heard us then, nobody knows. */
const isCode = (word: string): boolean => /^[a-z][a-z0-9_]*$/u.test(word);

/** What is the matter where an answer is not Slack's at all. */
const notSlacks = "an answer that is not Slack's";

const byWord = (word: string): Trouble =>
  isCode(word) ? (byCode.get(word) ?? { kind: "refused" }) : { kind: "doubtful" };

/**
 * Slack says no with status 200 (or 429, or where it cannot, 5xx). Any other status that carries no word of Slack's is of
 * something on the way, a proxy that wants a login (407) or lets nobody out (403): it would say so of every message.
 */
function byStatus({ statusCode, body }: WebAPIHTTPError): Trouble {
  if (statusCode >= 500) return { kind: "doubtful" };
  const { ok, error } = Object(body) as { ok?: unknown; error?: unknown };
  if (ok === false && typeof error === "string") return byWord(error);
  return statusCode === 413 ? { kind: "shorten" } : { kind: "retry", afterSeconds: 30 };
}

/** Tells whether a look was refused for want of a scope: then nobody can look, and all else may be well. */
export const mayNotLook = (error: unknown): boolean =>
  error instanceof SlackFailed && ["missing_scope", "not_allowed_token_type"].includes(error.message);

/** What is said of a look that came to nothing because Slack lists no channel of that name among the app's own. */
export const notShown = "Slack does not show the app its channel";

/** Tells whether it was such a look: the app was thrown out, or the channel is gone, or Slack's list is late. */
export const isNotShown = (error: unknown): boolean => error instanceof SlackFailed && error.message === notShown;

function describe(error: unknown): string {
  if (error instanceof WebAPIPlatformError) return isCode(error.data.error) ? error.data.error : notSlacks;
  if (error instanceof WebAPIHTTPError) return `status ${error.statusCode}`;
  return messageOf(error);
}
