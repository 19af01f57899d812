import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { WebClient } from "@slack/web-api";
import type { Clock } from "../../src/clock.ts";
import type { RequestLog } from "../../src/lab/request-log.ts";
import type { Slack } from "../../src/lab/slack.ts";
import { actions, button, newWeb, openWorkspace, refusal } from "./slack-clients.ts";

const host = "127.201.0.1";
let clock: Clock;
let log: RequestLog;
let slack: Slack;
let web: WebClient;

beforeEach(async () => {
  ({ clock, log, slack } = await openWorkspace(host));
  web = newWeb(slack);
});
afterEach(() => slack.close());

/** Moves the lab's clock on, as stories do. */
function pass(seconds: number): void {
  clock.set({ shows: new Date(clock.now().getTime() + seconds * 1000), rate: clock.rate });
}

describe("the lab's Web API", () => {
  it("tells who the app is, and who and what is there", async () => {
    expect(await web.auth.test()).toMatchObject({ team_id: "T01", user_id: "U0MUSTER", bot_id: "B0MUSTER" });
    const { user } = await web.users.info({ user: "U08" });
    expect(user).toMatchObject({
      is_restricted: true,
      is_bot: false,
      team_id: "T01",
      profile: { email: "gus@example.com" },
    });
    expect((await web.users.info({ user: "U09" })).user).toMatchObject({ team_id: "T99" });
    const { channels } = await web.conversations.list();
    expect(channels?.map(({ name }) => name)).toEqual([
      "incident-response",
      "emergency-backup",
      "executive-updates",
      "general",
    ]);
    slack.workspace.channels.get("C02")!.botIsMember = false;
    slack.workspace.channels.get("C03")!.isPrivate = true;
    const types = "public_channel,private_channel";
    const own = await web.users.conversations({ types, limit: 2 });
    expect(own.channels?.map(({ id }) => id)).toEqual(["C01", "C03"]);
    const { next_cursor: cursor = "" } = own.response_metadata ?? {};
    expect((await web.users.conversations({ types, limit: 2, cursor })).channels).toMatchObject([{ name: "general" }]);
    slack.archive("C01");
    expect((await web.users.conversations({ exclude_archived: true })).channels).toMatchObject([{ name: "general" }]);
  });

  it("keeps threads, edits and deletions, and finds a message again by its metadata", async () => {
    const metadata = { event_type: "muster_outbox", event_payload: { key: "run-1/1" } };
    const { ts } = await web.chat.postMessage({ channel: "C01", text: "starting", metadata });
    const reply = await web.chat.postMessage({
      channel: "#incident-response",
      text: "fenced",
      thread_ts: ts!,
      metadata,
    });
    await web.chat.update({ channel: "C01", ts: ts!, text: "done" });

    const read = await web.conversations.replies({ channel: "C01", ts: ts!, include_all_metadata: true });
    expect(read.messages?.map(({ text, metadata: found }) => [text, found?.event_payload])).toEqual([
      ["done", { key: "run-1/1" }],
      ["fenced", { key: "run-1/1" }],
    ]);
    const bare = await web.conversations.replies({ channel: "C01", ts: ts! });
    expect(bare.messages?.[1]).not.toHaveProperty("metadata");
    expect((await web.conversations.history({ channel: "C01" })).messages).toMatchObject([
      { text: "done", reply_count: 1 },
    ]);
    expect(await web.chat.getPermalink({ channel: "C01", message_ts: ts! })).toMatchObject({ ok: true });

    await web.chat.delete({ channel: "C01", ts: reply.ts! });
    expect(slack.thread("C01", ts!)).toHaveLength(1);
    expect(log.of("slack", "chat.postMessage").map(({ effects }) => effects)).toEqual([
      [{ target: "C01/", wanted: 'muster_outbox {"key":"run-1/1"}' }],
      [{ target: `C01/${ts}`, wanted: 'muster_outbox {"key":"run-1/1"}' }],
    ]);
    expect(log.open).toBe(0);
  });

  it("says no in Slack's words", async () => {
    slack.archive("C02");
    slack.workspace.channels.get("C03")!.botIsMember = false;
    const post = (channel: string, more = {}) => web.chat.postMessage({ channel, text: "x", ...more });
    expect(await refusal(post("C77"))).toBe("channel_not_found");
    expect(await refusal(post("C02"))).toBe("is_archived");
    expect(await refusal(web.chat.update({ channel: "C02", ts: "1.000001", text: "x" }))).toBe("is_inactive");
    expect(await refusal(post("C03"))).toBe("not_in_channel");
    expect(await refusal(post("C01", { thread_ts: "1.000001" }))).toBe("thread_not_found");
    expect(await refusal(web.chat.update({ channel: "C01", ts: "1.000001", text: "x" }))).toBe("message_not_found");
    expect(await refusal(newWeb(slack, "xoxb-wrong").auth.test())).toBe("invalid_auth");
    expect(await refusal(newWeb(slack, slack.appToken).auth.test())).toBe("not_allowed_token_type");
    expect(await refusal(web.apiCall("chat.fly"))).toBe("unknown_method");
    slack.knobs.tokenRefused = "token_revoked";
    expect(await refusal(post("C01"))).toBe("token_revoked");
    expect(slack.workspace.all()).toEqual([]);
  });

  it("holds the limits of Block Kit", async () => {
    slack.knobs.limitsRates = false;
    const post = (blocks: object[]) => web.chat.postMessage({ channel: "C01", text: "x", blocks: blocks as never });
    const words = (length: number) => ({ type: "mrkdwn", text: "x".repeat(length) });
    const tooMuch: [object[], string][] = [
      [Array.from({ length: 51 }, () => ({ type: "divider" })), "no more than 50 items allowed [json-pointer:/blocks]"],
      [
        [{ type: "section", text: words(3001) }],
        "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
      ],
      [
        [actions(button("x".repeat(76), "a"))],
        "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
      ],
      [[{ type: "header", text: words(10) }], "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]"],
      [[actions(button("x", "a"), button("y", "a"))], "`action_id` a already exists [json-pointer:/blocks/0/elements]"],
      [[{ type: "alert", text: words(3) }], "unsupported type: alert [json-pointer:/blocks/0/type]"],
      [
        [{ type: "plan", title: "p", tasks: [{ type: "task_card", task_id: "1", title: "t", status: "completed" }] }],
        "must be a valid enum value [json-pointer:/blocks/0/tasks/0/status]",
      ],
    ];
    for (const [blocks, complaint] of tooMuch) {
      await expect(post(blocks)).rejects.toMatchObject({
        data: { error: "invalid_blocks", response_metadata: { messages: [`[ERROR] ${complaint}`] } },
      });
    }
    expect(await refusal(post(Array.from({ length: 6 }, () => ({ type: "section", text: words(2900) }))))).toBe(
      "msg_blocks_too_long",
    );
    const { ts } = await web.chat.postMessage({ channel: "C01", text: "x".repeat(50_000) });
    expect(slack.messages("C01")[0]?.text).toHaveLength(40_000);
    expect(await refusal(web.chat.update({ channel: "C01", ts: ts!, text: "x".repeat(5000) }))).toBe("msg_too_long");
  });

  it("takes plan cards, unless told to be a workspace that does not know them", async () => {
    const plan = {
      type: "plan",
      title: "move checkout",
      tasks: ["pending", "in_progress", "complete", "error"].map((status, index) => ({
        type: "task_card",
        task_id: String(index),
        title: status,
        status,
      })),
    };
    const post = () => web.chat.postMessage({ channel: "C01", text: "plan", blocks: [plan] as never });
    expect(await refusal(post())).toBe("none");
    slack.knobs.refusesPlanBlocks = true;
    expect(await refusal(post())).toBe("invalid_blocks");
  });

  it("slows down who posts more than about one message a second, per channel, on the lab's clock", async () => {
    // It all but stands: however long five calls take on the wall, no second passes.
    clock.set({ shows: clock.now(), rate: 0.001 });
    const post = (channel: string) => web.chat.postMessage({ channel, text: "x" });
    for (let count = 0; count < 4; count += 1) await post("C01");
    await expect(post("C01")).rejects.toMatchObject({ retryAfter: 1 });
    expect(await refusal(post("C02"))).toBe("none");
    pass(1);
    expect(await refusal(post("C01"))).toBe("none");
    slack.knobs.throttled.set("chat.postMessage", new Date(clock.now().getTime() + 60_000));
    await expect(post("C03")).rejects.toMatchObject({ retryAfter: 60 });
    expect(await refusal(web.auth.test())).toBe("none");
    pass(61);
    expect(await refusal(post("C03"))).toBe("none");
    slack.knobs.next("chat.update", "throttle");
    await expect(web.chat.update({ channel: "C01", ts: "1.0", text: "x" })).rejects.toMatchObject({ retryAfter: 30 });
  });

  it("fails in each way a network service fails, and shows late what was written", async () => {
    const post = (text: string) => web.chat.postMessage({ channel: "C01", text });
    slack.knobs.next("chat.postMessage", "fail-before");
    await expect(post("never")).rejects.toMatchObject({ statusCode: 500 });
    slack.knobs.next("chat.postMessage", "fail-after");
    await expect(post("posted, then 500")).rejects.toMatchObject({ statusCode: 500 });
    slack.knobs.next("chat.postMessage", "hang-after");
    await expect(post("posted, then silence")).rejects.toThrow(/aborted|timeout/i);
    expect(slack.messages("C01").map(({ text }) => text)).toEqual(["posted, then 500", "posted, then silence"]);
    slack.knobs.readLagSeconds = 30;
    expect((await web.conversations.history({ channel: "C01" })).messages).toEqual([]);
    pass(31);
    expect((await web.conversations.history({ channel: "C01" })).messages).toHaveLength(2);
    slack.knobs.down = "refuses";
    await expect(post("down")).rejects.toThrow(/fetch failed/);
    expect(log.open).toBe(0);
  });
});
