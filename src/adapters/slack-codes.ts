import type { Trouble } from "./slack-trouble.ts";

/** Slack does not take our token, or not for this. */
const ofTheToken = [
  "not_authed",
  "invalid_auth",
  "account_inactive",
  "token_revoked",
  "token_expired",
  "not_allowed_token_type",
  "missing_scope",
];
/** The token is good, and the workspace, its organisation or their rules about networks keep us out. */
const ofTheWorkspace = [
  "access_denied",
  "accesslimited",
  "ekm_access_denied",
  "enterprise_is_restricted",
  "team_access_not_granted",
];

/** Tells whether what Slack said is put right with another token, or by installing the app again. */
export const blamesToken = (said: string): boolean => ofTheToken.includes(said);

/**
 * Slack's codes, by what they ask for; the ones that are not here cannot be helped by trying.
 * @see https://docs.slack.dev/reference/methods/chat.postMessage/#errors
 * @see https://docs.slack.dev/reference/methods/chat.update/#errors
 */
export const byCode: ReadonlyMap<string, Trouble> = new Map([
  ...codes(["ratelimited", "rate_limited"], { kind: "retry", afterSeconds: 30 }),
  // The workspace moves to an organisation, or talks too much: that passes, and concerns every message. A shared channel moves.
  ...codes(["team_added_to_org", "org_login_required", "message_limit_exceeded", "external_channel_migrating"], {
    kind: "retry",
    afterSeconds: 60,
  }),
  ...codes(["msg_too_long", "msg_blocks_too_long", "metadata_too_large"], { kind: "shorten" }),
  ...codes(["invalid_blocks", "invalid_blocks_format", "invalid_attachments"], { kind: "plainer" }),
  ...codes(
    [
      "channel_not_found",
      "is_archived",
      // What it is called where a message there is to be edited: frozen, archived or deleted.
      "is_inactive",
      "not_in_channel",
      "restricted_action",
      "restricted_action_read_only_channel",
      "restricted_action_thread_only_channel",
      "restricted_action_non_threadable_channel",
      // Slack's advice there: be a member of the conversation.
      "no_permission",
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
  ...codes([...ofTheToken, ...ofTheWorkspace], { kind: "locked-out" }),
  // Slack says of these that part of the work may have been done, or nothing of how far it came.
  ...codes(["fatal_error", "internal_error", "service_unavailable", "request_timeout", "update_failed"], {
    kind: "doubtful",
  }),
]);

function codes(names: string[], trouble: Trouble): [string, Trouble][] {
  return names.map((name) => [name, trouble]);
}
