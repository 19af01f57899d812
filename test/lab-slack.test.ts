import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { App, LogLevel } from "@slack/bolt";
import { SocketModeClient } from "@slack/socket-mode";
import { WebClient } from "@slack/web-api";
import { Clock } from "../src/clock.ts";
import { RequestLog } from "../src/lab/request-log.ts";
import { openSlack, type Slack } from "../src/lab/slack.ts";

const host = "127.201.0.1";
const quiet = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  setName: () => {},
};
const logger = { ...quiet, getLevel: () => LogLevel.ERROR };

let clock: Clock;
let log: RequestLog;
let slack: Slack;
let web: WebClient;

beforeEach(async () => {
  clock = new Clock();
  log = new RequestLog(clock);
  slack = await openSlack({
    log,
    clock,
    host,
    commands: ["/failover", "/muster"],
    persons: [
      { id: "U01", name: "ana", email: "ana@example.com" },
      { id: "U02", name: "ben", email: "ben@example.com" },
      { id: "U08", name: "gus", email: "gus@example.com", guest: true },
      { id: "U09", name: "out", email: "out@other.example", team: "T99" },
    ],
  });
  web = newWeb();
});
afterEach(() => slack.close());

function newWeb(token = slack.botToken): WebClient {
  const options = { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 }, timeout: 2000, logger };
  return new WebClient(token, { ...options, rejectRateLimitedCalls: true });
}

/** Moves the lab's clock on, as stories do. */
function pass(seconds: number): void {
  clock.set({ shows: new Date(clock.now().getTime() + seconds * 1000), rate: 1 });
}

/** Reads the code of Slack's "no". */
async function refusal(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => ({ data: { error: "none" } }),
    (thrown: { data?: { error?: string } }) => thrown,
  );
  return error.data?.error ?? JSON.stringify(error);
}

const button = (text: string, action_id: string) => ({
  type: "button" as const,
  text: { type: "plain_text" as const, text },
  action_id,
  value: `value of ${text}`,
});
const actions = (...elements: ReturnType<typeof button>[]) => ({
  type: "actions" as const,
  block_id: "deeds",
  elements,
});

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
    expect(await refusal(post("C03"))).toBe("not_in_channel");
    expect(await refusal(post("C01", { thread_ts: "1.000001" }))).toBe("thread_not_found");
    expect(await refusal(web.chat.update({ channel: "C01", ts: "1.000001", text: "x" }))).toBe("message_not_found");
    expect(await refusal(newWeb("xoxb-wrong").auth.test())).toBe("invalid_auth");
    expect(await refusal(newWeb(slack.appToken).auth.test())).toBe("not_allowed_token_type");
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

describe("people in the lab's workspace", () => {
  let app: App;

  beforeEach(async () => {
    app = new App({
      token: slack.botToken,
      appToken: slack.appToken,
      socketMode: true,
      logger,
      logLevel: LogLevel.ERROR,
      clientOptions: { slackApiUrl: slack.apiUrl, retryConfig: { retries: 0 } },
    });
    app.error(async (error) => Promise.reject(error));
    await app.start();
  });
  afterEach(() => app.stop());

  it("type commands that reach a real Bolt app, and see its answers", async () => {
    app.command("/failover", async ({ ack, command, respond, client }) => {
      await ack({ text: "looking" });
      await client.chat.postEphemeral({
        channel: command.channel_id,
        user: command.user_id,
        text: `for ${command.text}`,
      });
      await respond({ response_type: "in_channel", text: `<@${command.user_id}> in ${command.channel_name}` });
    });
    const delivery = await slack.types("U01", "#incident-response", "/failover us-west-2 checkout");
    expect(delivery.acknowledged).toBe(true);
    expect(delivery.envelope.payload).toMatchObject({
      team_id: "T01",
      team_domain: "lab",
      channel_id: "C01",
      channel_name: "incident-response",
      user_id: "U01",
      command: "/failover",
      text: "us-west-2 checkout",
      api_app_id: "A0MUSTER",
      trigger_id: expect.stringMatching(/^\d+\.T01\./) as unknown,
    });
    await until(() => slack.messages("C01").length === 1);
    expect(slack.ephemerals("U01").map(({ text }) => text)).toEqual(["looking", "for us-west-2 checkout"]);
    expect(slack.ephemerals("U02")).toEqual([]);
    expect(slack.messages("C01")[0]).toMatchObject({ text: "<@U01> in incident-response", user: "U0MUSTER" });
    await expect(slack.types("U01", "C01", "/fly")).rejects.toThrow("not a slash command");
  });

  it("press buttons and choose options, and the app sees who and where", async () => {
    const seen: unknown[] = [];
    app.action(/.*/, async ({ ack, action, body, client }) => {
      await ack();
      seen.push([body.user.id, body.team?.id, (action as { value?: string }).value]);
      if (body.type !== "block_actions" || !body.message) return;
      await client.chat.update({ channel: body.channel!.id, ts: body.message.ts, text: "approved" });
    });
    const blocks = [actions(button("Approve", "a1"), button("Decline", "a2"))];
    const { ts } = await web.chat.postMessage({ channel: "C01", text: "plan", blocks });
    await slack.presses("U02", "Approve");
    await until(() => slack.messages("C01")[0]?.text === "approved");
    expect(slack.messages("C01")[0]).not.toHaveProperty("blocks");
    await web.chat.postMessage({ channel: "C01", text: "plan", blocks });
    await slack.presses("U09", "Decline");
    await until(() => seen.length === 2);
    expect(seen).toEqual([
      ["U02", "T01", "value of Approve"],
      ["U09", "T99", "value of Decline"],
    ]);
    await expect(slack.presses("U01", "Approve", { messageTs: ts! })).rejects.toThrow('says "Approve"');
  });

  it("are told when the app does not acknowledge within three seconds, and a late answer changes nothing", async () => {
    const late = Promise.withResolvers<void>();
    app.command("/muster", async ({ ack }) => {
      await late.promise;
      await ack({ text: "too late" });
    });
    const delivery = await slack.types("U01", "C01", "/muster runs");
    late.resolve();
    expect(delivery).toMatchObject({ acknowledged: false, failure: "not acknowledged within 3 s" });
    expect(delivery.milliseconds).toBeGreaterThanOrEqual(2950);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(slack.ephemerals("U01").map(({ text }) => text)).toEqual([
      "/muster failed because the app did not respond.",
    ]);
  });

  it("fill in modals, within the life of one trigger", async () => {
    const triggers: string[] = [];
    app.command("/muster", async ({ ack, command, client }) => {
      await ack();
      triggers.push(command.trigger_id);
      await client.views.open({ trigger_id: command.trigger_id, view: reasonModal });
    });
    app.view("reason", async ({ ack, view, client, body }) => {
      const reason = view.state.values.why?.text?.value;
      if (reason === "no") return ack({ response_action: "errors", errors: { why: "Say more." } });
      await ack();
      await client.chat.postMessage({ channel: "C01", text: `${body.user.id}: ${reason}` });
    });
    await slack.types("U01", "C01", "/muster reason");
    await until(() => slack.views.of("U01").length === 1);
    expect((await slack.submits("U01")).errors).toEqual({ why: "Please complete this required field." });
    expect((await slack.submits("U01", { why: "no" })).errors).toEqual({ why: "Say more." });
    expect((await slack.submits("U01", { Reason: "region dead" })).errors).toEqual({});
    expect(slack.views.of("U01")).toEqual([]);
    await until(() => slack.messages("C01").length === 1);
    expect(slack.messages("C01")[0]?.text).toBe("U01: region dead");
    expect(await refusal(web.views.open({ trigger_id: triggers[0]!, view: reasonModal }))).toBe("exchanged_trigger_id");
    expect(await refusal(web.views.open({ trigger_id: "1.2.3", view: reasonModal }))).toBe("invalid_trigger_id");
  });

  it("may be heard twice: duplicates, replays and retried events", async () => {
    const heard: (number | undefined)[] = [];
    app.command("/muster", async ({ ack }) => {
      heard.push(0);
      await ack();
    });
    app.message(async ({ context }) => void heard.push(context.retryNum));
    slack.knobs.deliveries = 3;
    const delivery = await slack.types("U01", "C01", "/muster runs");
    await until(() => heard.length === 3);
    slack.knobs.deliveries = 1;
    await slack.replay(delivery);
    expect(heard).toHaveLength(4);
    slack.knobs.eventsLost = true;
    const written = slack.writes("U01", "C01", "anybody there?");
    await new Promise((resolve) => setTimeout(resolve, 500));
    slack.knobs.eventsLost = false;
    expect(await written).toMatchObject({ acknowledged: true, envelope: { retry_attempt: 1 } });
    expect(heard.at(-1)).toBe(1);
  });
});

describe("the lab's Socket Mode", () => {
  it("takes ten connections, gives a payload to one of them, and asks them to come again", async () => {
    const clients = Array.from({ length: 3 }, newSocket);
    const heard: number[] = [];
    clients.forEach((client, index) => acknowledge(client, () => heard.push(index)));
    await Promise.all(clients.map((client) => client.start()));
    expect(slack.sockets.connections).toBe(3);
    for (let count = 0; count < 12; count += 1) await slack.types("U01", "C01", "/muster runs");
    expect(heard).toHaveLength(12);
    expect(new Set(heard).size).toBeGreaterThan(1);

    slack.sockets.refresh();
    await until(() => slack.sockets.connections === 0);
    await until(() => slack.sockets.connections === 3);
    expect((await slack.types("U01", "C01", "/muster runs")).acknowledged).toBe(true);
    await Promise.all(clients.map((client) => client.disconnect()));
    expect(await slack.types("U01", "C01", "/muster runs")).toMatchObject({ failure: "no app is connected" });
  });

  it("can go deaf without closing, or be refused with a 429", async () => {
    const client = newSocket();
    acknowledge(client);
    await client.start();
    slack.sockets.deafen("payloads");
    expect((await slack.types("U01", "C01", "/muster runs")).acknowledged).toBe(false);
    expect(slack.sockets.connections).toBe(1);
    await client.disconnect();
    slack.knobs.next("apps.connections.open", "throttle");
    await expect(newWeb(slack.appToken).apps.connections.open({})).rejects.toMatchObject({ retryAfter: 30 });
    slack.knobs.tokenRefused = "invalid_auth";
    await expect(newSocket().start()).rejects.toThrow("invalid_auth");
  });
});

/** Acknowledges every command that a client hears. */
function acknowledge(client: SocketModeClient, first: () => void = () => {}): void {
  client.on("slash_commands", ({ ack }: { ack: () => Promise<void> }) => {
    first();
    ack().catch((error: unknown) => client.emit("error", error as Error));
  });
}

function newSocket(): SocketModeClient {
  const clientOptions = { slackApiUrl: slack.apiUrl };
  return new SocketModeClient({ appToken: slack.appToken, logger, clientPingTimeout: 300, clientOptions });
}

const reasonModal = {
  type: "modal" as const,
  callback_id: "reason",
  title: { type: "plain_text" as const, text: "Why" },
  submit: { type: "plain_text" as const, text: "Send" },
  blocks: [
    {
      type: "input" as const,
      block_id: "why",
      label: { type: "plain_text" as const, text: "Reason" },
      element: { type: "plain_text_input" as const, action_id: "text" },
    },
  ],
};

/** Waits for what happens after an acknowledgement. */
async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`never held: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
