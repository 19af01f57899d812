import { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it, jest } from "@jest/globals";
import { greetMailServer, MailFailed, sendMail } from "../../src/adapters/smtp.ts";
import { Activity } from "../../src/activity.ts";
import type { CallContext } from "../../src/call.ts";
import { UserError } from "../../src/errors.ts";
import { openMailServer } from "./mail-server.ts";

const quiet = () => undefined;
const ctx: CallContext = {
  point: () => Promise.resolve(),
  activity: new Activity(),
  callTimeoutMs: 1000,
  log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
  redact: (text) => text,
};

/** Sends a mail to such a server; tells how that ended, what the server had heard when it left, and what it heard in all. */
async function send(word: string, answer?: string, leaves?: () => Promise<void>) {
  using server = await openMailServer(word, answer);
  const mail = { to: "ana@example.com", subject: "Parked", text: "One.\n", key: "m1" };
  let before: string[] | undefined;
  const noteLeaving = async () => {
    await leaves?.();
    before = [...server.heard];
  };
  const end = await sendMail(ctx, { url: server.url, from: "muster@example.com" }, mail, noteLeaving).then(
    () => "sent",
    (error: unknown) => (error instanceof MailFailed ? error.stage : String(error)),
  );
  return { end, left: before !== undefined, before, heard: server.heard };
}

describe("a mail, on its way to a server that", () => {
  it.each([
    ["takes it", "none", undefined, "sent", true],
    ["hangs up before it asked for the content", "MAIL", undefined, "before", false],
    ["asks for patience before the content", "RCPT", "451 later", "before", false],
    ["does not want the content", "DATA", "554 no", "refused", true],
    ["hangs up after the last line", ".", undefined, "unknown", true],
    ["asks for patience after the last line", ".", "451 later", "before", true],
    ["refuses it after the last line", ".", "554 no", "refused", true],
    ["does not know whom it is for", "RCPT", "550 5.1.1 no such mailbox", "refused", false],
    ["greets nobody", "greeting", "554 5.3.2 no service here", "shut-out", false],
    ["does not take the password", "AUTH", "535 5.7.8 credentials invalid", "shut-out", false],
    ["cannot look the password up just now", "AUTH", "454 4.7.0 later", "before", false],
    ["takes nothing from this sender", "MAIL", "550 5.7.1 not yours", "shut-out", false],
    ["wants a login, and says so late", "RCPT", "530 5.7.0 login first", "shut-out", false],
    ["wants a login, and says so last", ".", "530 5.7.0 login first", "shut-out", true],
  ])("%s", async (_what, word, answer, end, left) => {
    expect(await send(word, answer)).toMatchObject({ end, left });
  });

  it("waits for it: its last line comes when the caller lets it leave", async () => {
    const { before, heard } = await send("none", undefined, () => pause(50));
    expect(before).toEqual(["EHLO", "AUTH", "MAIL", "RCPT", "DATA"]);
    expect(heard.slice(0, 6)).toEqual(["EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."]);
  });

  it("never hears its last line, because the caller does not let it leave", async () => {
    const { end, heard } = await send("none", undefined, () => Promise.reject(new Error("not ours")));
    expect(end).toBe("before");
    expect(heard).not.toContain(".");
  });
});

describe("a server that takes its time", () => {
  const mail = { to: "ana@example.com", subject: "Parked", text: "One.\n", key: "m1" };
  const { promise: never } = Promise.withResolvers<void>();

  /** Sends a mail to a server that is silent at one word for so many seconds, and is to stop before it speaks, or not. */
  async function wait(word: "greeting" | ".", seconds: number, { stops = false } = {}) {
    const { promise: patience, resolve: speak } = Promise.withResolvers<void>();
    const stopping = new AbortController();
    using server = await openMailServer(word, word === "." ? "250 fine" : "220 here", stops ? never : patience);
    const doNotFake = ["Date", "hrtime", "nextTick", "performance", "queueMicrotask", "setImmediate"] as const;
    jest.useFakeTimers({ doNotFake: [...doNotFake, "clearImmediate", "setInterval", "clearInterval"] });
    try {
      const settings = { url: server.url, from: "muster@example.com" };
      const sent = sendMail(ctx, settings, mail, () => Promise.resolve(), stopping.signal).then(
        () => "sent",
        (error: unknown) => (error instanceof MailFailed ? error.stage : String(error)),
      );
      while (!(word === "." ? server.heard.includes(".") : server.isHeld())) await pause(5);
      await pause(20);
      if (stops) stopping.abort();
      jest.advanceTimersByTime(seconds * 1000);
      speak();
      return await sent;
    } finally {
      jest.useRealTimers();
    }
  }

  it("greets after 25 s, and says 110 s after the last line that it has it", async () => {
    const silence = jest.spyOn(Socket.prototype, "setTimeout");
    expect(await wait("greeting", 25)).toBe("sent");
    expect(Math.max(...silence.mock.calls.map(([milliseconds]) => milliseconds))).toBe(120_000);
    expect(await wait(".", 110)).toBe("sent");
    silence.mockRestore();
  });

  it("is not waited for when Muster stops, but for a while after the last line", async () => {
    expect(await wait("greeting", 0, { stops: true })).toBe("before");
    expect(await wait(".", 20, { stops: true })).toBe("unknown");
  });

  it("is not said to be broken", async () => {
    using server = await openMailServer("greeting", "220 here", pause(1200));
    await greetMailServer({ ...ctx, callTimeoutMs: 800 }, { url: server.url, from: "muster@example.com" });
    expect(server.heard).toContain("AUTH");
  });
});

describe("a password", () => {
  const refusal = { word: "STARTTLS", answer: "502 5.5.1 not implemented" };
  const mail = { to: "ana@example.com", subject: "Parked", text: "One.\n", key: "m1" };

  it("is not sent in clear to a server elsewhere, whose answer to EHLO may have lost its STARTTLS on the way", async () => {
    using server = await openMailServer(refusal.word, refusal.answer);
    const settings = { url: server.elsewhere, from: "muster@example.com" };
    await expect(sendMail(ctx, settings, mail, () => Promise.resolve())).rejects.toMatchObject({
      stage: "shut-out",
      message: "it offers no STARTTLS, and the password is only sent encrypted",
    });
    await expect(greetMailServer(ctx, settings)).rejects.toBeInstanceOf(UserError);
    expect(server.heard).toEqual(["EHLO", "STARTTLS", "EHLO", "STARTTLS"]);
  });

  it("is what such a server must keep: without one, mail goes to it as it is", async () => {
    using server = await openMailServer(refusal.word, refusal.answer);
    const settings = { url: server.elsewhere.replace("muster:secret@", ""), from: "muster@example.com" };
    await sendMail(ctx, settings, mail, () => Promise.resolve());
    expect(server.heard).not.toContain("STARTTLS");
  });
});
