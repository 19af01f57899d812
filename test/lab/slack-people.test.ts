import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { App, LogLevel } from "@slack/bolt";
import type { WebClient } from "@slack/web-api";
import type { Clock } from "../../src/clock.ts";
import type { Slack } from "../../src/lab/slack.ts";
import { actions, button, logger, newWeb, openWorkspace, refusal, until } from "./slack-clients.ts";

const host = "127.206.0.1";
let clock: Clock;
let slack: Slack;
let web: WebClient;

beforeEach(async () => {
  ({ clock, slack } = await openWorkspace(host));
  web = newWeb(slack);
});
afterEach(() => slack.close());

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

  it("choose from menus, and an answer that only they see can be replaced, five times within half an hour", async () => {
    const chosen: unknown[] = [];
    const urls: string[] = [];
    app.action("more", async ({ ack, action, body }) => {
      await ack();
      chosen.push((action as { selected_option?: { value: string } }).selected_option?.value);
      if (body.type === "block_actions") urls.push(body.response_url);
      if (body.type === "block_actions") chosen.push(body.container.is_ephemeral, body.message);
    });
    const option = (text: string) => ({ text: { type: "plain_text" as const, text }, value: text.toLowerCase() });
    const menu = { type: "overflow" as const, action_id: "more", options: [option("Diff"), option("Claims")] };
    const blocks = [{ type: "actions" as const, elements: [menu] }];
    await web.chat.postEphemeral({ channel: "C01", user: "U02", text: "more", blocks });
    await expect(slack.presses("U01", "Claims")).rejects.toThrow('sees nothing to press that says "Claims"');
    await slack.presses("U02", "Claims");
    await until(() => chosen.length === 3);
    expect(chosen).toEqual(["claims", true, undefined]);

    const say = async (body: object) =>
      (await fetch(urls.at(-1)!, { method: "POST", body: JSON.stringify(body) })).status;
    for (const text of ["1", "2", "3", "4"]) expect(await say({ text, replace_original: true })).toBe(200);
    expect(slack.ephemerals("U02").map(({ text }) => text)).toEqual(["4"]);
    expect(await say({ delete_original: true })).toBe(200);
    expect(slack.ephemerals("U02")).toEqual([]);
    expect(await say({ text: "6" })).toBe(404);

    await web.chat.postEphemeral({ channel: "C01", user: "U02", text: "more", blocks });
    await slack.presses("U02", "Diff");
    await until(() => urls.length === 2);
    clock.set({ shows: new Date(clock.now().getTime() + 31 * 60_000), rate: 1 });
    expect(await say({ text: "late" })).toBe(404);
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
