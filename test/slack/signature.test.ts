import { describe, expect, it } from "@jest/globals";
import { createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { whyRefused } from "../../src/slack/signature.ts";

const secret = "8f742231b10e8888abcd99yyyzzz85a5";
const now = new Date("2026-11-25T03:00:00Z");
const seconds = now.getTime() / 1000;
const body = Buffer.from("command=%2Ffailover&text=us-west-2");

const codeOf = (time: string, bytes: Buffer, key = secret) =>
  createHmac("sha256", key).update(`v0:${time}:`).update(bytes).digest("hex");

const signed = (time = String(seconds), changes: IncomingHttpHeaders = {}): IncomingHttpHeaders => ({
  "x-slack-request-timestamp": time,
  "x-slack-signature": `v0=${codeOf(time, body)}`,
  ...changes,
});

describe("a request to Slack's path", () => {
  it("is Slack's own when these very bytes were signed with the secret", () => {
    expect(whyRefused({ headers: signed(), body }, secret, now)).toBeUndefined();
  });

  it("is verified as Slack's documentation shows it", () => {
    const example = Buffer.from(
      "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
    );
    const headers = {
      "x-slack-request-timestamp": "1531420618",
      "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    };
    expect(whyRefused({ headers, body: example }, secret, new Date(1531420618_000))).toBeUndefined();
  });

  it.each([
    [-300, true],
    [-301, false],
    [300, true],
    [301, false],
    [86_400, false],
  ])("made %d seconds from now by its own word: taken is %s", (offset, taken) => {
    const why = whyRefused({ headers: signed(String(seconds + offset)), body }, secret, now);
    expect(why).toBe(taken ? undefined : "its time is over 5 minutes from ours");
  });

  it.each<[string, IncomingHttpHeaders, string]>([
    ["without a time", { "x-slack-request-timestamp": undefined }, "it says no time"],
    ["with two times", { "x-slack-request-timestamp": `${seconds}, ${seconds}` }, "it says no time"],
    ["with a time that is no number", { "x-slack-request-timestamp": "NaN" }, "it says no time"],
    ["with a negative time", { "x-slack-request-timestamp": `-${seconds}` }, "it says no time"],
    ["without a signature", { "x-slack-signature": undefined }, "it has no signature"],
    ["with an empty signature", { "x-slack-signature": "" }, "it has no signature"],
    ["with a short one", { "x-slack-signature": "v0=00" }, "it has no signature"],
    ["of another version", { "x-slack-signature": `v1=${codeOf(String(seconds), body)}` }, "it has no signature"],
    ["made with another secret", { "x-slack-signature": `v0=${codeOf(String(seconds), body, "x")}` }, "another's"],
    ["made with no secret", { "x-slack-signature": `v0=${codeOf(String(seconds), body, "")}` }, "another's"],
    ["of another moment", { "x-slack-request-timestamp": String(seconds - 1) }, "another's"],
  ])("is refused %s", (_what, changes, why) => {
    expect(whyRefused({ headers: signed(undefined, changes), body }, secret, now)).toContain(why);
  });

  it("is refused when one byte was changed, wherever it stands", () => {
    const kept = Array.from(body.keys()).filter((index) => {
      const changed = Buffer.from(body);
      changed[index] = (changed[index] ?? 0) ^ 1;
      return whyRefused({ headers: signed(), body: changed }, secret, now) === undefined;
    });
    expect(kept).toEqual([]);
  });

  it.each(["", "  "])("is never weighed with an empty secret (%j)", (empty) => {
    expect(() => whyRefused({ headers: signed(), body }, empty, now)).toThrow("no signing secret");
  });
});
