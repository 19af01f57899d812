import { type Mail, type MailSettings, MailFailed, sendMail } from "../adapters/smtp.ts";
import { settleMessage, takeBehind, type MessageEnd } from "./rows.ts";
import type { MessagePayload, Sender, Sent } from "./sender.ts";

/** Seconds before a mail that did not leave is tried again. */
const againSeconds = 5;

/** So many that wait for one person behind a mail go out with it, and so many at most: what parks in a region is no flood. */
const behindOne = { least: 5, most: 200 };

const perhapsArrived = "it may have arrived, and nobody is written to twice";

/**
 * Makes what takes mails out, to threads "mail:<person>". Nobody is written to twice: a mail that may have arrived is parked
 * with the reason. Where many wait for one person they go out as one mail; if that surely did not arrive, they wait on.
 */
export function openMailSender(settings: MailSettings): Sender {
  return async (ctx, { thread, dedupeKey, payload }, again) => {
    if (again) return { refused: true, because: perhapsArrived };
    const name = thread.slice("mail:".length);
    const to = ctx.estate.people[name]?.mail;
    if (to === undefined) return { refused: true, because: `the estate has no mail address of ${name}` };
    const behind = await takeBehind(ctx.db, thread, behindOne);
    const seqs = behind.map(({ seq }) => seq);
    const settleBehind = async (end: MessageEnd) => {
      if (seqs.length > 0) await settleMessage(ctx.db, seqs, end);
    };
    try {
      const written = writeMail([payload, ...behind.map((one) => one.payload)]);
      await sendMail(ctx, settings, { to, ...written, key: dedupeKey });
      await settleBehind({ state: "sent" });
      return { sent: true };
    } catch (error) {
      if (!(error instanceof MailFailed)) throw error;
      const { sent, end } = whatBecame(error);
      await settleBehind(end);
      return sent;
    }
  };
}

/** What becomes of a mail that did not surely arrive, and of those that were to go out with it. */
function whatBecame({ stage, message }: MailFailed): { sent: Sent; end: MessageEnd } {
  const because = stage === "unknown" ? `${perhapsArrived}: ${message}` : message;
  if (stage === "unknown") return { sent: { refused: true, because }, end: { state: "parked", because } };
  const sent =
    stage === "before" ? { retryAfterSeconds: againSeconds, because } : ({ refused: true, because } as const);
  return { sent, end: { state: "waiting", because } };
}

/** Writes one mail of all that one person is to read. Pure. */
export function writeMail(payloads: readonly MessagePayload[]): Pick<Mail, "subject" | "text"> {
  const parts = payloads.map(({ subject, lines }) => ({
    subject: subject ?? lines[0] ?? "Muster",
    text: lines.join("\n"),
  }));
  const [first] = parts;
  if (!first || parts.length === 1) return { subject: first?.subject ?? "Muster", text: `${first?.text ?? ""}\n` };
  const { subject } = first;
  return {
    subject: `${subject} (and ${parts.length - 1} more)`,
    text: `${parts.length} messages, oldest first.\n\n${parts.map((part) => part.text).join("\n\n")}\n`,
  };
}
