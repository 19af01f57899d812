import { type AddressInfo, createServer, type Socket } from "node:net";

const quiet = () => undefined;

/**
 * A mail server that hangs up, or answers so, at one word of the conversation: "greeting", "MAIL", "DATA", or "." for the last line. What it
 * says there it says when the promise is kept.
 */
export async function openMailServer(
  word: string,
  answer: string | undefined,
  until: Promise<void> = Promise.resolve(),
) {
  const heard: string[] = [];
  const sockets: Socket[] = [];
  const answers: { [word: string]: string } = {
    EHLO: "250-here\r\n250 AUTH PLAIN",
    AUTH: "235 welcome",
    DATA: "354 go on",
    QUIT: "221 bye",
  };
  const server = createServer((socket) => {
    sockets.push(socket);
    const greet = () => socket.write(`${(word === "greeting" ? answer : undefined) ?? "220 here"}\r\n`);
    if (word === "greeting") void until.then(greet);
    else greet();
    socket.on("error", quiet);
    socket.on("data", (chunk) => {
      for (const line of chunk.toString().split("\r\n")) {
        const said = /^(?:EHLO|STARTTLS|AUTH|MAIL|RCPT|DATA|QUIT|\.)(?= |$)/u.exec(line)?.[0];
        if (said === undefined) continue;
        heard.push(said);
        const say = said === word ? answer : (answers[said] ?? "250 fine");
        if (say === undefined) socket.destroy();
        else if (said === word) void until.then(() => socket.write(`${say}\r\n`));
        else socket.write(`${say}\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    heard,
    /** Whether somebody is connected. */
    isHeld: () => sockets.length > 0,
    url: `smtp://muster:secret@127.0.0.1:${port}`,
    /** The same under an address that does not say that it is on this machine. */
    elsewhere: `smtp://muster:secret@0.0.0.0:${port}`,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
