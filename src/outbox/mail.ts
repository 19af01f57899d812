import { type MailSettings, MailFailed, sendMail } from "../adapters/smtp.ts";
import type { Sender } from "./sender.ts";

/** Seconds before a mail that did not leave is tried again. */
const againSeconds = 5;

/**
 * Makes what takes mails out, to threads "mail:<person>". Nobody is written to twice: a mail that may have arrived is parked
 * with the reason.
 */
export function openMailSender(settings: MailSettings): Sender {
  return async (ctx, { thread, dedupeKey, payload }, again) => {
    if (again) return { refused: true, because: "it may have arrived, and nobody is written to twice" };
    const name = thread.slice("mail:".length);
    const to = ctx.estate.people[name]?.mail;
    if (to === undefined) return { refused: true, because: `the estate has no mail address of ${name}` };
    const { subject = payload.lines[0] ?? "Muster", lines } = payload;
    try {
      await sendMail(ctx, settings, { to, subject, text: `${lines.join("\n")}\n`, key: dedupeKey });
      return { sent: true };
    } catch (error) {
      if (!(error instanceof MailFailed)) throw error;
      if (error.stage === "before") return { retryAfterSeconds: againSeconds, because: error.message };
      if (error.stage === "refused") return { refused: true, because: error.message };
      return { refused: true, because: `it may have arrived, and nobody is written to twice: ${error.message}` };
    }
  };
}
