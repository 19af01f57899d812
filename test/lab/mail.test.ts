import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import nodemailer from "nodemailer";
import { Clock } from "../../src/clock.ts";
import { type MailServer, openMail } from "../../src/lab/mail.ts";
import { RequestLog } from "../../src/lab/request-log.ts";

let log: RequestLog;
let mail: MailServer;
/** How long whoever sends waits for an answer, in wall milliseconds. */
let patienceMs: number;

beforeEach(async () => {
  const clock = new Clock();
  log = new RequestLog(clock);
  mail = await openMail({ log, clock, host: "127.202.0.1" });
  patienceMs = 10_000;
});
afterEach(() => mail.close());

function send(
  to: string,
  subject = "Muster: checkout moves",
  text = "One.\nTwo.",
  auth?: { user: string; pass: string },
) {
  const { host, port } = mail;
  const limits = { connectionTimeout: patienceMs, greetingTimeout: patienceMs, socketTimeout: patienceMs };
  const transport = nodemailer.createTransport({ host, port, ...limits, ...(auth && { auth }) });
  return transport.sendMail({ from: "muster@example.com", to, subject, text });
}

describe("the lab's mail server", () => {
  it("keeps what it was given, by recipient", async () => {
    await send(
      "ana@example.com, Ben@example.com",
      "Région morte — übernehmen",
      "Ein Satz: größer als 7 bit.\n\n".repeat(5),
    );
    await send("ana@example.com");
    expect(mail.mailbox("ana@example.com").map(({ subject }) => subject)).toEqual([
      "Région morte — übernehmen",
      "Muster: checkout moves",
    ]);
    const [first] = mail.mailbox("BEN@example.com");
    expect(first).toMatchObject({ from: "muster@example.com", to: ["ana@example.com", "ben@example.com"] });
    expect(first?.text).toBe("Ein Satz: größer als 7 bit.\n\n".repeat(5).trimEnd());
    expect(mail.mailbox("ana@example.com")[1]?.text).toBe("One.\nTwo.");
    expect(log.of("mail", "DATA")[1]?.effects).toEqual([
      { target: "ana@example.com", wanted: "Muster: checkout moves" },
    ]);
  });

  it("refuses for now and for ever", async () => {
    mail.knobs.next("DATA", "throttle");
    await expect(send("ana@example.com")).rejects.toMatchObject({ responseCode: 421 });
    mail.knobs.next("DATA", "fail-before");
    await expect(send("ana@example.com")).rejects.toMatchObject({ responseCode: 550 });
    mail.knobs.unknown.add("nobody@example.com");
    await expect(send("nobody@example.com")).rejects.toMatchObject({ responseCode: 550 });
    expect(mail.all).toEqual([]);
  });

  it("lets nobody in, takes no password, or wants one first", async () => {
    const login = { user: "muster", pass: "secret" };
    mail.knobs.shutsOut = "greeting";
    await expect(send("ana@example.com")).rejects.toMatchObject({ responseCode: 554, command: "CONN" });
    mail.knobs.shutsOut = "password";
    await expect(send("ana@example.com", "s", "t", login)).rejects.toMatchObject({ responseCode: 535, code: "EAUTH" });
    mail.knobs.shutsOut = "login";
    await expect(send("ana@example.com")).rejects.toMatchObject({ responseCode: 530, command: "MAIL FROM" });
    expect(mail.all).toEqual([]);
    await send("ana@example.com", "s", "t", login);
    expect(mail.all).toHaveLength(1);
  });

  it("takes a mail and cuts the line before saying so", async () => {
    mail.knobs.next("DATA", "fail-after");
    await expect(send("ana@example.com")).rejects.toThrow(/closed|hang up|ECONNRESET/i);
    expect(mail.mailbox("ana@example.com")).toHaveLength(1);
  });

  it("is down: refusing, or silent", async () => {
    mail.knobs.down = "refuses";
    await expect(send("ana@example.com")).rejects.toThrow(/closed|ECONNRESET|hang up/i);
    mail.knobs.down = "silent";
    patienceMs = 1000;
    await expect(send("ana@example.com")).rejects.toThrow(/Timeout|Greeting never received/i);
    mail.knobs.down = false;
    patienceMs = 10_000;
    await send("ana@example.com");
    expect(mail.all).toHaveLength(1);
    expect(log.open).toBe(0);
  });
});
