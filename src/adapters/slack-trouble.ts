import { WebAPIHTTPError, WebAPIPlatformError, WebAPIRateLimitedError, WebAPIRequestError } from "@slack/web-api";
import { NotTried } from "../breaker.ts";
import { CallTimedOut } from "../call.ts";
import { messageOf } from "../errors.ts";
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
  /** Slack does not take our token: nothing goes until a person acts. */
  | { kind: "locked-out" }
  /** It may have arrived. */
  | { kind: "doubtful" }
  /** It cannot be done like this. */
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
  if (error instanceof WebAPIPlatformError) return byCode.get(error.data.error) ?? { kind: "refused" };
  if (error instanceof WebAPIHTTPError) return { kind: error.statusCode >= 500 ? "doubtful" : "refused" };
  if (error instanceof CallTimedOut) return { kind: "doubtful" };
  const cause = error instanceof WebAPIRequestError ? error.original : error;
  return neverLeft(cause) ? { kind: "retry", afterSeconds: 1 } : { kind: "doubtful" };
}

/** Slack's codes, by what they ask for; the ones that are not here cannot be helped by trying. */
const byCode: ReadonlyMap<string, Trouble> = new Map([
  ...codes(["ratelimited", "rate_limited"], { kind: "retry", afterSeconds: 30 }),
  ...codes(["team_added_to_org"], { kind: "retry", afterSeconds: 60 }),
  ...codes(["msg_too_long", "msg_blocks_too_long", "metadata_too_large"], { kind: "shorten" }),
  ...codes(["invalid_blocks", "invalid_blocks_format", "invalid_attachments"], { kind: "plainer" }),
  ...codes(
    [
      "channel_not_found",
      "is_archived",
      "not_in_channel",
      "restricted_action",
      "restricted_action_read_only_channel",
      // As the methods for files call it.
      "invalid_channel",
      "posting_to_channel_denied",
    ],
    { kind: "re-home", lost: "channel" },
  ),
  ...codes(
    [
      "thread_not_found",
      "message_not_found",
      "cant_update_message",
      "edit_window_closed",
      "restricted_action_thread_locked",
    ],
    { kind: "re-home", lost: "thread" },
  ),
  ...codes(
    [
      "not_authed",
      "invalid_auth",
      "account_inactive",
      "token_revoked",
      "token_expired",
      "missing_scope",
      "access_denied",
    ],
    { kind: "locked-out" },
  ),
  // Slack says of these that part of the work may have been done.
  ...codes(["fatal_error", "internal_error", "service_unavailable", "request_timeout"], { kind: "doubtful" }),
]);

function codes(names: string[], trouble: Trouble): [string, Trouble][] {
  return names.map((name) => [name, trouble]);
}

function describe(error: unknown): string {
  if (error instanceof WebAPIPlatformError) return error.data.error;
  if (error instanceof WebAPIHTTPError) return `status ${error.statusCode}`;
  return messageOf(error);
}
