import { App, LogLevel } from "@slack/bolt";
import type { Slack } from "../../src/lab/slack.ts";

const plain = (text: string) => ({ type: "plain_text" as const, text });

function card(states: ("pending" | "in_progress" | "complete")[]) {
  const titles = ["fence writes", "promote checkout-db-west"];
  const tasks = states.map((status, index) => ({
    type: "task_card",
    task_id: `${index}`,
    title: titles[index],
    status,
  }));
  const confirm = { title: plain("Sure?"), text: plain("It moves."), confirm: plain("Yes"), deny: plain("No") };
  const elements = [
    { type: "button" as const, text: plain("Approve"), action_id: "approve", confirm },
    { type: "button" as const, text: plain("Say why"), action_id: "why" },
  ];
  return [
    { type: "plan" as const, title: "move checkout to us-west-2", tasks },
    { type: "actions" as const, elements },
  ];
}

/** Starts a small app, as a workspace would have one: it answers /failover with a card of two buttons. */
export async function openApp({ apiUrl, botToken, appToken }: Slack): Promise<App> {
  const clientOptions = { slackApiUrl: apiUrl };
  const bolt = new App({ token: botToken, appToken, socketMode: true, logLevel: LogLevel.ERROR, clientOptions });
  bolt.command("/failover", async ({ ack, command: { channel_id: channel, user_id }, client }) => {
    await ack();
    const { ts } = await client.chat.postMessage({ channel, text: "a plan", blocks: card(["pending", "pending"]) });
    if (ts) await client.chat.postMessage({ channel, text: `asked by <@${user_id}>`, thread_ts: ts });
  });
  bolt.action("approve", async ({ ack, body, client }) => {
    await ack();
    if (body.type !== "block_actions" || !body.channel || !body.message) return;
    const { channel, message } = body;
    const text = "Somebody else has to approve.";
    if (body.user.id === "U01") await client.chat.postEphemeral({ channel: channel.id, user: "U01", text });
    else {
      const blocks = card(["complete", "in_progress"]);
      await client.chat.update({ channel: channel.id, ts: message.ts, text: "a plan", blocks });
    }
  });
  bolt.action("why", async ({ ack, body, client }) => {
    await ack();
    if (body.type !== "block_actions") return;
    const element = { type: "plain_text_input" as const, action_id: "text" };
    const blocks = [{ type: "input" as const, block_id: "why", label: plain("Reason"), element }];
    const view = { type: "modal" as const, callback_id: "why", title: plain("Why"), submit: plain("Save"), blocks };
    await client.views.open({ trigger_id: body.trigger_id, view });
  });
  bolt.view("why", async ({ ack, view, client }) => {
    const reason = view.state.values["why"]?.["text"]?.value ?? "";
    if (reason.length < 5) return ack({ response_action: "errors", errors: { why: "Say a little more." } });
    await ack();
    await client.chat.postMessage({ channel: "C01", text: `Reason: ${reason}` });
  });
  await bolt.start();
  return bolt;
}
