import type { AddressInfo } from "node:net";
import { type Readable } from "node:stream";
import { SMTPServer, type SMTPServerSession } from "smtp-server";
import type { Clock } from "../clock.ts";
import { Knobs } from "./knobs.ts";
import { parseMail, type Mail } from "./mail-message.ts";
import type { LabRequest, RequestLog } from "./request-log.ts";

export type { Mail } from "./mail-message.ts";

/** The switches of the lab's mail server. "throttle" is answered 421, "fail-before" 550, "fail-after" takes it and cuts. */
export class MailKnobs extends Knobs {
  /** Addresses the server does not know: 550, for ever. */
  readonly unknown = new Set<string>();
  /**
   * Whom the server keeps out: everybody in its "greeting", 554 (RFC 5321, 3.1); whoever logs in, because the "password" is
   * wrong, 535; whoever sends without a "login", 530 (RFC 4954, 6).
   */
  shutsOut: false | "greeting" | "password" | "login" = false;
}

export type MailServer = {
  knobs: MailKnobs;
  host: string;
  port: number;
  /** `smtp://host:port`, as settings name it. */
  url: string;
  /** Everything that was delivered, in the order it came. */
  all: readonly Mail[];
  /** What one address received, oldest first. */
  mailbox(address: string): Mail[];
  close(): Promise<void>;
};

/** Opens an SMTP server that keeps what it is given. */
export async function openMail(options: { log: RequestLog; clock: Clock; host: string }): Promise<MailServer> {
  const { log, clock, host } = options;
  const knobs = new MailKnobs();
  const all: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ["STARTTLS"],
    logger: false,
    disableReverseLookup: true,
    onConnect: (_session, done) => {
      done(knobs.shutsOut === "greeting" ? refusal(554, "5.3.2 no SMTP service here") : null);
    },
    onAuth: ({ username }, _session, done) => {
      const no = knobs.shutsOut === "password" ? refusal(535, "5.7.8 Authentication credentials invalid") : null;
      done(no, { user: username });
    },
    onMailFrom: (_sender, { user }, done) => {
      done(knobs.shutsOut === "login" && !user ? refusal(530, "5.7.0 Authentication required") : null);
    },
    onRcptTo: ({ address }, _session, done) => {
      done(knobs.unknown.has(address.toLowerCase()) ? refusal(550, `<${address}>: no such mailbox`) : null);
    },
    onData: (stream, session, done) => {
      const to = session.envelope.rcptTo.map(({ address }) => address.toLowerCase());
      const entry = log.begin("mail", "DATA", to.join(", "));
      take(stream, session, to, entry).then(done, done);
    },
  });

  async function take(stream: Readable, session: SMTPServerSession, to: string[], entry: LabRequest): Promise<null> {
    const raw = await read(stream);
    await knobs.dawdle(clock);
    const fault = knobs.draw("DATA", true);
    const no = fault === "throttle" ? 421 : fault === "fail-before" ? 550 : undefined;
    if (no || fault === "hang") {
      log.close(entry, no ?? "silent");
      const why = no === 421 ? "4.7.0 try again later" : "5.7.1 refused by policy";
      if (no) throw refusal(no, knobs.recites ? `${why} ${knobs.recites()}` : why);
      return new Promise(() => undefined);
    }
    const from = session.envelope.mailFrom;
    const mail = parseMail(raw, { from: from ? from.address : "", to, at: clock.now() });
    all.push(mail);
    for (const address of to) entry.effects.push({ target: address, wanted: mail.subject });
    log.close(entry, fault ? "cut after taking it" : 250);
    if (fault === "fail-after") cut();
    if (fault) return new Promise(() => undefined);
    return null;
  }

  /** Breaks every connection without a word. */
  function cut(): void {
    for (const connection of server.connections) (connection as { _socket: { destroy(): void } })._socket.destroy();
  }

  // A client that goes away in the middle is the client's affair.
  server.on("error", () => undefined);
  server.server.prependListener("connection", (socket) => {
    if (knobs.down === "refuses") socket.destroy();
    // Cork: the greeting is held back, which is all a silent server does.
    if (knobs.down === "silent") socket.cork();
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.server.address() as AddressInfo;
  return {
    knobs,
    host,
    port,
    all,
    url: `smtp://${host}:${port}`,
    mailbox: (address) => all.filter(({ to }) => to.includes(address.toLowerCase())),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      cut();
      await closed;
    },
  };
}

function refusal(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}

async function read(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
