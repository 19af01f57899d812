import { describe, expect, it } from "@jest/globals";
import type { Context } from "../../src/context.ts";
import { openSlackFront } from "../../src/slack/front.ts";

const signingSecret = "0123456789abcdef0123456789abcdef";
const warned: string[] = [];
const nothing = () => undefined;
const log = {
  debug: nothing,
  info: nothing,
  error: nothing,
  warn: (_: object, text: string) => void warned.push(text),
};
const ctx = { log, now: () => new Date(), estate: {} } as unknown as Context;
const open = (secrets: { appToken?: string; signingSecret?: string }) =>
  openSlackFront(ctx, { botToken: "xoxb-1", commands: [], ...secrets });

describe("how Slack reaches Muster", () => {
  it("is Socket Mode with an app token: nothing is served", () => {
    expect(open({ appToken: "xapp-1" })).toMatchObject({ door: undefined, connected: 0 });
    expect(warned).toEqual([]);
  });

  it("is a door of the server with a signing secret: there are no connections to count", () => {
    const front = open({ signingSecret });
    expect(front.door).toBeInstanceOf(Function);
    expect(front.connected).toBeUndefined();
  });

  it("is Socket Mode with both, and the log says that the door stays shut", () => {
    expect(open({ appToken: "xapp-1", signingSecret }).door).toBeUndefined();
    expect(warned).toEqual([expect.stringContaining("Socket Mode is used, and Slack's path is closed")]);
  });

  it.each([{}, { signingSecret: "" }])("is no way at all with %j: that is refused", (secrets) => {
    expect(() => open(secrets)).toThrow("empty secret");
  });
});
