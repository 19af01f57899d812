import { type Mail, type MailSettings, MailFailed, sendMail } from "../adapters/smtp.ts";
import { messageOf } from "../errors.ts";
import { markLeaving, settleMessage, takeBehind, type MessageEnd } from "./rows.ts";
import { type MessagePayload, type Sender, type Sent, takenAway } from "./sender.ts";

/** Seconds before a mail that did not leave is tried again; where the server shuts Muster out, a person has to act first. */
const againSeconds = { before: 5, "shut-out": 60 };

/** So many that wait for one person behind a mail go out with it, and so many at most: what parks in a region is no flood. */
const behindOne = { least: 5, most: 200 };

const perhapsArrived = "it may have arrived, and nobody is written to twice";

/**
 * Makes what takes mails out, to threads "mail:<person>". Nobody is written to twice: a mail that may have arrived is parked
 * with the reason. It may have from the moment its last word leaves; a process that dies before that leaves it to another.
 * Where many wait for one person they go out as one mail; if that surely did not arrive, they wait on. A server that shuts
 * Muster out is asked once a minute, however many people are to be written to.
 */
export function openMailSender(settings: MailSettings): Sender {
  // Of all threads: ten people who wait would be ten failed logins a minute, and a locked account.
  const shut = { until: 0, because: "" };
  return async (ctx, { thread, dedupeKey, payload }, again, taken, stopping) => {
    if (again) return { refused: true, because: perhapsArrived };
    const name = thread.slice("mail:".length);
    const to = ctx.estate.people[name]?.mail;
    if (to === undefined) return { unaddressed: true, because: `the estate has no mail address of ${name}` };
    const shutSeconds = (shut.until - ctx.now().getTime()) / 1000;
    if (shutSeconds > 0) return { retryAfterSeconds: shutSeconds, because: shut.because };
    // What cannot be gathered just now goes out by itself.
    const behind = await takeBehind(ctx.db, { thread, seq: taken.seq }, behindOne).catch(() => []);
    const leaves = async () => {
      if (!(await markLeaving(ctx.db, [taken, ...behind]))) throw new Error(takenAway);
      await ctx.point("mail leaves");
    };
    const mail = { to, ...writeMail([payload, ...behind.map((one) => one.payload)]), key: dedupeKey };
    const { sent, end, stage } = await sendMail(ctx, settings, mail, leaves, stopping).then<Became, Became>(
      () => ({ sent: { sent: true }, end: { state: "sent" } }),
      whatBecame,
    );
    if (stage === "shut-out") {
      shut.until = ctx.now().getTime() + againSeconds[stage] * 1000;
      shut.because = end.because ?? "";
    }
    // Where this fails they come back as they are marked, when their time is over; the mail itself has its own end.
    await settleMessage(ctx.db, behind, end).catch((error: unknown) =>
      ctx.log.warn({ thread, error: messageOf(error) }, "the end of mails that went out with another was not noted"),
    );
    return sent;
  };
}

type Became = { sent: Sent; end: MessageEnd; stage?: MailFailed["stage"] };

/** What becomes of a mail that did not surely arrive, and of those that were to go out with it. */
function whatBecame(error: unknown): Became {
  const { stage, message } =
    error instanceof MailFailed ? error : ({ stage: "before", message: messageOf(error) } as const);
  const because = `${says[stage]}${message}`;
  if (stage === "unknown") return { sent: { refused: true, because }, end: { state: "parked", because }, stage };
  const sent: Sent =
    stage === "refused" ? { refused: true, because } : { retryAfterSeconds: againSeconds[stage], because };
  return { sent, end: { state: "waiting", because }, stage };
}

/** How the reason begins; what the server said follows. */
const says: Record<MailFailed["stage"], string> = {
  before: "",
  "shut-out": "the mail server takes no mail from Muster, and is asked again each minute: ",
  refused: "",
  unknown: `${perhapsArrived}: `,
};

/** Writes one mail of all that one person is to read. Pure. */
function writeMail(payloads: readonly MessagePayload[]): Pick<Mail, "subject" | "text"> {
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
