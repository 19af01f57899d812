import { describe, expect, it } from "@jest/globals";
import type { App, ReceiverEvent } from "@slack/bolt";
import { createHmac } from "node:crypto";
import { RequestReceiver } from "../../src/slack/requests.ts";

const signingSecret = "0123456789abcdef0123456789abcdef";
const now = new Date("2026-11-25T03:00:00Z");
const logged: string[] = [];
const note = (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`);
const log = { debug: note, info: note, warn: note, error: note };

const refused: string[] = [];

/** A receiver whose app does this with what comes through. */
async function receiving(processEvent: (event: ReceiverEvent) => Promise<void>, team?: string) {
  const receiver = new RequestReceiver({
    signingSecret,
    log,
    now: () => now,
    team: () => team,
    refused: (why) => refused.push(why),
  });
  receiver.init({ processEvent } as unknown as App);
  await receiver.start();
  return receiver;
}

function signed(text: string, more: Record<string, string> = {}) {
  const time = String(now.getTime() / 1000);
  const code = createHmac("sha256", signingSecret).update(`v0:${time}:${text}`).digest("hex");
  return {
    body: Buffer.from(text),
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": time,
      "x-slack-signature": `v0=${code}`,
      ...more,
    },
  };
}

describe("the door that Slack posts to", () => {
  it("answers what the listener acknowledges, at once, whatever it does afterwards", async () => {
    const forever = new Promise<void>(() => undefined);
    const { door } = await receiving(({ ack }) => ack({ text: "Looking ..." }).then(() => forever));
    expect(await door(signed("command=/failover"))).toEqual({ status: 200, body: { text: "Looking ..." } });
  });

  it("hands over what a form, a payload or an event says, and which try it is", async () => {
    const seen: ReceiverEvent[] = [];
    const { door } = await receiving((event) => {
      seen.push(event);
      return event.ack();
    });
    await door(signed("command=%2Ffailover&text=us-west-2+checkout"));
    await door(signed(`payload=${encodeURIComponent(`{"type":"block_actions"}`)}`));
    await door(
      signed(`{"type":"event_callback"}`, {
        "content-type": "application/json; charset=utf-8",
        "x-slack-retry-num": "2",
        "x-slack-retry-reason": "http_timeout",
      }),
    );
    expect(seen.map(({ body }) => body)).toEqual([
      { command: "/failover", text: "us-west-2 checkout" },
      { type: "block_actions" },
      { type: "event_callback" },
    ]);
    expect(seen.map(({ retryNum, retryReason }) => [retryNum, retryReason])).toEqual([
      [undefined, undefined],
      [undefined, undefined],
      [2, "http_timeout"],
    ]);
  });

  it("says no more than that it failed when a listener fails", async () => {
    const { door } = await receiving(() => Promise.reject(new Error("detail")));
    expect(await door(signed("command=/failover"))).toEqual({ status: 500 });
    expect(logged.at(-1)).toContain("what Slack sent was not dealt with");
  });

  it("is open for one workspace where the estate names it", async () => {
    const { door } = await receiving(({ ack }) => ack(), "T01");
    const from = async (text: string) => (await door(signed(text))).status;
    expect(await from("command=/failover&team_id=T01")).toBe(200);
    expect(await from("command=/failover&team_id=T99")).toBe(403);
    expect(await from("command=/failover")).toBe(403);
    expect(await from(`payload=${encodeURIComponent(`{"team":{"id":"T01"},"user":{"team_id":"T99"}}`)}`)).toBe(200);
    expect(await from(`payload=${encodeURIComponent(`{"team":null,"user":{"team_id":"T99"}}`)}`)).toBe(403);
  });

  it("counts whom it turns away", async () => {
    refused.length = 0;
    const { door } = await receiving(({ ack }) => ack(), "T01");
    await door(signed("command=/failover&team_id=T01"));
    await door(signed("command=/failover&team_id=T99"));
    await door(signed("command=/failover", { "x-slack-signature": `v0=${"0".repeat(64)}` }));
    expect(refused).toEqual(["workspace", "sender"]);
  });

  it("closes behind what is under way: that is answered before it is shut, and nothing else is let in", async () => {
    const recorded = Promise.withResolvers<void>();
    const receiver = await receiving(({ ack }) => recorded.promise.then(() => ack()));
    const order: string[] = [];
    const first = receiver.door(signed("command=/failover")).then(({ status }) => order.push(`answered ${status}`));
    const stopped = receiver.stop().then(() => order.push("stopped"));
    expect(await receiver.door(signed("command=/failover"))).toEqual({ status: 503 });
    expect(order).toEqual([]);
    recorded.resolve();
    await Promise.all([first, stopped]);
    expect(order.toSorted((one, other) => one.localeCompare(other))).toEqual(["answered 200", "stopped"]);
  });

  it.each(["", " "])("is not made with an empty secret (%j)", (empty) => {
    expect(() => new RequestReceiver({ signingSecret: empty, log, now: () => now, team: () => undefined })).toThrow(
      "empty secret",
    );
  });
});
