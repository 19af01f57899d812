import { createHash } from "node:crypto";
import { Transform } from "node:stream";
import type { SendMailOptions } from "nodemailer";
import { call, type CallContext } from "../call.ts";
import { messageOf, UserError } from "../errors.ts";

/**
 * Wall milliseconds until a server must have greeted, for each of its other answers, and for a mail's whole way. A server may
 * look through a mail before it says that it has it, and one that keeps senders waiting greets late: RFC 5321, 4.5.3.2, asks
 * for minutes, which the mails behind would wait as well.
 */
const greetingMs = 30_000;
const answerMs = 120_000;
const wholeMs = 150_000;
/** How long a mail that has left is waited for when Muster stops: whoever stops it may wait for half a minute. */
const stoppingMs = 20_000;

/** How many times as long as any other call a look at the server may take: it greets when it likes. */
const greetingCalls = 6;
const lookCalls = greetingCalls + 1;

export type MailSettings = {
  /** smtp://user:password@host:port, or smtps:// for TLS from the first byte. */ url: string;
  from: string;
};

export type Mail = {
  to: string;
  subject: string;
  text: string;
  /** Names the mail for ever; becomes its Message-ID. */
  key: string;
};

/** A mail did not surely arrive. */
export class MailFailed extends Error {
  /**
   * "before": it did not leave, and may be tried again. "shut-out": the same, but the server takes no mail of Muster's until a
   * person acts. "refused": the server said no to this mail for good. "unknown": it may have arrived.
   */
  readonly stage: "before" | "shut-out" | "refused" | "unknown";

  constructor(stage: MailFailed["stage"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MailFailed";
    this.stage = stage;
  }
}

/**
 * Sends one mail over a connection of its own. A server takes a mail when it has heard its last line, and not before: RFC 5321,
 * 4.1.1.4. `leaves` is called when only that is left to be sent, and where it throws, the mail surely does not arrive. A mail
 * that left and was not confirmed may have arrived; nobody can look, so that is thrown as "unknown", and the caller must not
 * repeat it. When `stopping` fires, one that has not left is given back at once.
 * @throws MailFailed
 */
export async function sendMail(
  ctx: CallContext,
  settings: MailSettings,
  mail: Mail,
  leaves: () => Promise<void>,
  stopping?: AbortSignal,
): Promise<void> {
  // The library reads the whole content before it has said a word to the server; what it says it logs.
  const { promise: dataSaid, resolve: sayData } = Promise.withResolvers<void>();
  const noteData = (_entry: unknown, message?: unknown) => {
    if (message === "DATA") sayData();
  };
  const quiet = () => undefined;
  const logger = { level: quiet, trace: quiet, debug: noteData, info: quiet, warn: quiet, error: quiet, fatal: quiet };
  const transport = (await mailer()).createTransport({
    ...serverOf(settings.url),
    connectionTimeout: greetingMs,
    greetingTimeout: greetingMs,
    socketTimeout: answerMs,
    transactionLog: true,
    logger,
  });
  let hasLeft = false;
  const leave = async (signal: AbortSignal) => {
    await dataSaid;
    await leaves();
    signal.throwIfAborted();
    hasLeft = true;
  };
  const send = (signal: AbortSignal, message: SendMailOptions) => {
    transport.use("stream", (composed, done) => {
      composed.message?.transform(() => holdingEnd(() => leave(signal)));
      done();
    });
    return transport.sendMail({ ...message, signal });
  };
  const stop = new AbortController();
  const stopped = () => stop.abort(new Error("Muster was stopped meanwhile"));
  const leaveOff = () => (hasLeft ? void setTimeout(stopped, stoppingMs).unref() : stopped());
  stopping?.addEventListener("abort", leaveOff, { once: true });
  if (stopping?.aborted) leaveOff();
  const messageId = `<${createHash("sha256").update(mail.key).digest("hex").slice(0, 32)}@muster>`;
  try {
    const { to } = mail;
    const [subject, text] = [ctx.redact(mail.subject), ctx.redact(mail.text)];
    const message = { from: settings.from, to, subject: subject.replaceAll(/\s+/g, " "), text, messageId };
    await call(ctx, "smtp.send", (signal) => send(signal, message), { timeoutMs: wholeMs, signal: stop.signal });
  } catch (error) {
    const says = isUnencrypted(error)
      ? "it offers no STARTTLS, and the password is only sent encrypted"
      : messageOf(error);
    throw new MailFailed(stageOf(error, hasLeft), says, { cause: error });
  } finally {
    stopping?.removeEventListener("abort", leaveOff);
    transport.close();
  }
}

/** Wall milliseconds after which `greetMailServer` gives up. */
export const longestGreetingMs = ({ callTimeoutMs }: Pick<CallContext, "callTimeoutMs">): number =>
  callTimeoutMs * lookCalls;

/**
 * Greets the mail server, and logs in where the settings say so. No mail is sent.
 * @throws UserError when it would hear the password in clear, else Error with what the server said, or why nothing answered.
 */
export async function greetMailServer(ctx: CallContext, { url }: MailSettings): Promise<void> {
  // A connection that outlives the call would keep the process.
  const milliseconds = ctx.callTimeoutMs * greetingCalls;
  const patience = { connectionTimeout: milliseconds, greetingTimeout: milliseconds, socketTimeout: milliseconds };
  const transport = (await mailer()).createTransport({ ...serverOf(url), ...patience });
  try {
    await call(ctx, "smtp.greet", () => transport.verify(), { timeoutMs: longestGreetingMs(ctx) });
  } catch (error) {
    if (!isUnencrypted(error)) throw error;
    throw new UserError(
      {
        happened: "The mail server offers no STARTTLS.",
        means: "No mail is sent: the password in SMTP_URL would go to it in clear.",
        todo: "Let it offer STARTTLS, or set SMTP_URL to its port for TLS (smtps://user:password@host:465).",
      },
      { cause: error },
    );
  } finally {
    transport.close();
  }
}

/** The package is loaded for the first mail: most processes send none. */
async function mailer() {
  const { default: nodemailer } = await import("nodemailer");
  return nodemailer;
}

/**
 * A password goes out encrypted only, whatever the answer to EHLO offers: whoever sits between could take STARTTLS out of it
 * (RFC 3207, 6). To a server on this machine nobody sits between.
 */
function serverOf(url: string) {
  const { protocol, hostname, port, username, password } = new URL(url);
  const secure = protocol === "smtps:";
  return {
    host: hostname.replaceAll(/[[\]]/g, ""),
    port: port ? Number(port) : secure ? 465 : 587,
    secure,
    requireTLS: !secure && username !== "" && !isThisMachine(hostname),
    ...(username ? { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } } : {}),
  };
}

const isThisMachine = (hostname: string): boolean => /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/iu.test(hostname);

/** Whether the server would not encrypt, where it has to. */
function isUnencrypted(error: unknown): boolean {
  const { responseCode: code = 0, command } = error as { responseCode?: number; command?: string };
  return command === "STARTTLS" && code >= 500;
}

/** Hands a text on as it comes, and its end when the promise is kept. */
function holdingEnd(untilThen: () => Promise<void>): Transform {
  return new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush: (done) => void untilThen().then(() => done(), done),
  });
}

/** The only commands whose answer is about one mail, as the library names them. */
const ofTheMail = ["RCPT TO", "DATA"];
/** A login is missing, too weak or wrong (RFC 4954, 6); 530 may answer almost any command. */
const ofTheLogin = [530, 534, 535, 538];

/**
 * Reads what a server answered: 4xx is for now and 5xx for good (RFC 5321, 4.2.1), and with neither has it taken the mail. A
 * 5xx is about this mail where it answers its recipient or its content. As a greeting, or after EHLO, STARTTLS, AUTH or the
 * sender's name, it is about Muster: every other mail would fare the same, and this one is as good as before.
 */
function stageOf(error: unknown, hasLeft: boolean): MailFailed["stage"] {
  const { responseCode: code, command = "" } = error as { responseCode?: number; command?: string };
  if (code === undefined || code < 400) return hasLeft ? "unknown" : "before";
  if (code < 500) return "before";
  return ofTheMail.includes(command) && !ofTheLogin.includes(code) ? "refused" : "shut-out";
}
