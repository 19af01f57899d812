import { describe, expect, it } from "@jest/globals";
import { WebAPIHTTPError, WebAPIPlatformError } from "@slack/web-api";
import { saidBySlack, troubleOf } from "../../src/adapters/slack-trouble.ts";

/** What Slack's client throws where Slack, or something on the way, answers so. */
const says = (error: string) => new WebAPIPlatformError({ ok: false, error });
const answers = (status: number, body: string) => new WebAPIHTTPError(status, "", {}, body);

describe("what is done about an answer to a call to Slack", () => {
  it.each([
    ["a token that is gone", says("token_revoked"), "locked-out"],
    ["a token of another kind", says("not_allowed_token_type"), "locked-out"],
    ["an app without this workspace", says("team_access_not_granted"), "locked-out"],
    ["a network that is not allowed", says("accesslimited"), "locked-out"],
    ["a workspace whose keys were taken away", says("ekm_access_denied"), "locked-out"],
    ["an organisation that keeps apps out", says("enterprise_is_restricted"), "locked-out"],
    ["a workspace that moves", says("org_login_required"), "retry"],
    ["a workspace that says too much", says("message_limit_exceeded"), "retry"],
    ["a channel that the app is not in", says("no_permission"), "re-home"],
    ["a channel in which nothing is edited any more", says("is_inactive"), "re-home"],
    ["a shared channel that moves", says("external_channel_migrating"), "retry"],
    ["an edit that went wrong inside Slack", says("update_failed"), "doubtful"],
    ["a channel for threads only", says("restricted_action_thread_only_channel"), "re-home"],
    ["a message that is wrong", says("no_text"), "refused"],
    ["a page of somebody else's", says("<html>Log in to the guest network.</html>"), "doubtful"],
    ["nothing", says(""), "doubtful"],
    ["a proxy's 403", answers(403, "<html>no</html>"), "retry"],
    ["a proxy's 403 in JSON", answers(403, '{"error":"Forbidden"}'), "retry"],
    ["a proxy's 407", answers(407, ""), "retry"],
    ["a proxy that takes no long ones", answers(413, ""), "shorten"],
    ["Slack's own word with another status", answers(403, '{"ok":false,"error":"is_archived"}'), "re-home"],
    ["a Slack in trouble", answers(503, ""), "doubtful"],
  ])("%s", (_what, error, kind) => {
    expect(troubleOf(error).trouble.kind).toBe(kind);
  });

  it("repeats no page of somebody else's", () => {
    expect(saidBySlack(troubleOf(says("<html>Log in.</html>")))).toBe("an answer that is not Slack's");
  });
});
