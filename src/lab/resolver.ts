import { createSocket } from "node:dgram";
import type { Clock } from "../clock.ts";
import { listenDns, Packet } from "./dns-wire.ts";
import type { Resource } from "./dns-wire.ts";
import { Knobs } from "./knobs.ts";

type Options = { host: string; port?: number; upstream: string; clock: Clock };

type Kept = { answers: Resource[]; authorities: Resource[]; rcode: number; at: number; ttlSeconds: number };

export type LabResolver = {
  knobs: Knobs;
  server: string;
  /** Forgets every answer, as a restarted resolver does. */
  forget(): void;
  close(): Promise<void>;
};

/** Opens a resolver that asks one name server and keeps each answer for its TTL on the lab's clock, as an ISP's does. */
export async function openResolver({ host, port = 5353, upstream, clock }: Options): Promise<LabResolver> {
  const knobs = new Knobs();
  const cache = new Map<string, Kept>();

  const find = async (question: Packet): Promise<Kept | undefined> => {
    const asked = question.questions[0];
    const key = `${asked?.name.toLowerCase()} ${asked?.type}`;
    const now = clock.now().getTime();
    const known = cache.get(key);
    if (known && now < known.at + known.ttlSeconds * 1000) return known;
    cache.delete(key);
    const answer = await ask(upstream, question);
    if (!answer) return undefined;
    const { answers, authorities, header } = answer;
    const kept = { answers, authorities, rcode: header.rcode, at: now, ttlSeconds: lifetime(answer) };
    if (kept.ttlSeconds > 0) cache.set(key, kept);
    return kept;
  };

  const listening = await listenDns(host, port, async (question) => {
    if (knobs.down === "silent") return undefined;
    const response = Packet.createResponseFromRequest(question);
    response.header.ra = 1;
    const found = knobs.down === "refuses" ? undefined : await find(question);
    if (!found) {
      response.header.rcode = Packet.RCODE.SERVFAIL;
      return response;
    }
    const age = Math.floor((clock.now().getTime() - found.at) / 1000);
    const aged = (record: Resource) =>
      new Packet.Resource(Object.assign({}, record, { ttl: Math.max(0, record.ttl - age) }));
    response.header.rcode = found.rcode;
    response.answers.push(...found.answers.map(aged));
    response.authorities.push(...found.authorities.map(aged));
    return response;
  });
  return { knobs, server: `${host}:${port}`, forget: () => cache.clear(), close: () => listening.close() };
}

/** An answer lives as long as its shortest TTL; "no such thing" lives by the zone's SOA (RFC 2308). */
function lifetime(packet: Packet): number {
  if (packet.answers.length > 0) return Math.min(...packet.answers.map((record) => record.ttl));
  const authority = packet.authorities[0];
  return authority ? Math.min(authority.ttl, authority.minimum ?? authority.ttl) : 0;
}

/** Asks a name server once over UDP, for at most a second on the wall: the network of a lab loses nothing. */
function ask(server: string, question: Packet): Promise<Packet | undefined> {
  const [address, port] = server.split(":");
  const query = new Packet();
  query.header.id = question.header.id;
  query.header.rd = 0;
  query.questions = question.questions;
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const end = (packet: Packet | undefined) => {
      clearTimeout(timer);
      socket.close();
      resolve(packet);
    };
    const timer = setTimeout(() => end(undefined), 1000);
    socket.once("error", () => end(undefined));
    socket.once("message", (message) => end(Packet.parse(message)));
    socket.send(query.toBuffer(), Number(port), address);
  });
}
