import { createSocket } from "node:dgram";
import type { RemoteInfo } from "node:dgram";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import dns2 from "dns2";

export const { Packet } = dns2;
export type Packet = dns2.Packet;
export type Resource = dns2.Packet.Resource;

/** Longest answer over UDP; a longer one says "truncated", and the client asks again over TCP (RFC 1035 §4.2.1). */
const longestUdpBytes = 512;

/** What to say to a question; undefined says nothing at all. */
export type Answerer = (question: Packet) => Promise<Packet | undefined> | Packet | undefined;

export type DnsListening = { close(): Promise<void> };

/** Answers DNS questions over UDP and TCP on one address and port. */
export async function listenDns(host: string, port: number, answer: Answerer): Promise<DnsListening> {
  const reply = async (message: Buffer): Promise<Packet | undefined> => {
    const question = parse(message);
    return question && question.header.qr === 0 ? answer(question) : undefined;
  };
  const udp = createSocket({ type: "udp4", reuseAddr: true });
  const onMessage = async (message: Buffer, from: RemoteInfo) => {
    const packet = await reply(message);
    // The socket may be gone by now, and so may the one who asked: UDP promises nothing.
    if (packet && open) udp.send(fitted(packet), from.port, from.address, () => undefined);
  };
  udp.on("message", (message, from) => void onMessage(message, from));

  const sockets = new Set<Socket>();
  const tcp = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    framed(socket, async (message) => {
      const bytes = (await reply(message))?.toBuffer();
      if (bytes && socket.writable) socket.write(Buffer.concat([lengthOf(bytes), bytes]));
    });
  });
  let open = true;
  await new Promise<void>((resolve, reject) => {
    udp.once("error", reject);
    udp.bind({ address: host, port }, resolve);
  });
  await new Promise<void>((resolve, reject) => {
    tcp.once("error", reject);
    tcp.listen({ host, port }, resolve);
  });
  return {
    async close() {
      open = false;
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(resolve)),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ]);
    },
  };
}

function parse(message: Buffer): Packet | undefined {
  try {
    return Packet.parse(message);
  } catch {
    // Not DNS: a real server drops it too.
    return undefined;
  }
}

function fitted(packet: Packet): Buffer {
  const bytes = packet.toBuffer();
  if (bytes.length <= longestUdpBytes) return bytes;
  packet.header.tc = 1;
  packet.answers = [];
  packet.authorities = [];
  packet.additionals = [];
  return packet.toBuffer();
}

/** Over TCP every message follows its length in two bytes (RFC 1035 §4.2.2). */
function framed(socket: Socket, take: (message: Buffer) => Promise<void>): void {
  let held = Buffer.alloc(0);
  socket.on("data", (part) => {
    held = Buffer.concat([held, part]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const end = 2 + held.readUInt16BE(0);
      void take(held.subarray(2, end));
      held = held.subarray(end);
    }
  });
}

function lengthOf(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(bytes.length);
  return length;
}
