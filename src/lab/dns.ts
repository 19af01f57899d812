import type { Clock } from "../clock.ts";
import { fullName, lookUp, resourcesOf } from "./dns-answers.ts";
import type { Health, ZoneRecord } from "./dns-answers.ts";
import { sharesOf } from "./dns-routing.ts";
import { listenDns, Packet } from "./dns-wire.ts";
import { Knobs } from "./knobs.ts";

type Options = { host: string; port?: number; clock: Clock; random: () => number };

/** Between the two times some of the name servers hold a change already and some do not. */
export type Spread = { from: Date; everywhereAt: Date | undefined };

/** How a zone came to be what it is. */
type Version = Spread & { records: ZoneRecord[] };

export type Dns = {
  knobs: Knobs;
  /** What health checks say of a record; everything is healthy until there are some. */
  healthy: Health;
  /** "127.x.y.2:5353", as resolvers are named in settings. */
  server: string;
  /**
   * Replaces the records of a zone, at once unless the change spreads: then answers change over by chance, from none at
   * `from` to all at `everywhereAt`; where that is undefined, the change never reaches the name servers.
   */
  publish(zone: string, records: readonly ZoneRecord[], spread?: Spread): void;
  /** Gives a host name outside the zones an address; undefined takes it away. */
  setName(name: string, address: string | undefined, ttlSeconds?: number): void;
  /** The shares in which the name servers answer a name when every one of them is up to date; by SetIdentifier. */
  weights(name: string): Record<string, number>;
  close(): Promise<void>;
};

/** Opens the authoritative name server of a lab, over UDP and TCP. It stands for all four that Route 53 gives a zone. */
export async function openDns({ host, port = 5353, clock, random }: Options): Promise<Dns> {
  const knobs = new Knobs();
  const zones = new Map<string, Version[]>();
  const names = new Map<string, ZoneRecord>();

  const zoneOf = (name: string) =>
    [...zones.keys()].filter((zone) => name === zone || name.endsWith(`.${zone}`)).toSorted(byLength)[0];

  /** The records as the name server that happens to be asked holds them. */
  const held = (zone: string): ZoneRecord[] => {
    const versions = zones.get(zone) ?? [];
    const now = clock.now().getTime();
    for (const version of versions.toReversed()) {
      if (!version.everywhereAt) continue;
      const span = version.everywhereAt.getTime() - version.from.getTime();
      const share = span <= 0 ? 1 : (now - version.from.getTime()) / span;
      if (random() < share) return version.records;
    }
    return versions[0]?.records ?? [];
  };

  const answer = (question: Packet): Packet | undefined => {
    if (knobs.down === "silent") return undefined;
    const asked = question.questions[0];
    const response = Packet.createResponseFromRequest(question);
    response.header.ra = 0;
    if (!asked || knobs.down === "refuses") return refused(response);
    const name = fullName(asked.name);
    const type = Packet.typeName(asked.type);
    const zone = zoneOf(name);
    const given = names.get(name);
    if (given) {
      response.header.aa = 1;
      if (given.type === type) response.answers.push(...resourcesOf(given));
      return response;
    }
    if (!zone) return refused(response);
    response.header.aa = 1;
    const records = held(zone);
    const found = lookUp(records, { name, type }, { random, healthy: self.healthy });
    response.answers.push(...found.records.flatMap(resourcesOf));
    if (response.answers.length > 0) return response;
    if (!found.exists) response.header.rcode = Packet.RCODE.NXDOMAIN;
    const authority = records.find((record) => record.type === "SOA" && record.name === zone);
    if (authority) response.authorities.push(...resourcesOf(authority));
    return response;
  };

  const listening = await listenDns(host, port, answer);
  const self: Dns = {
    knobs,
    healthy: () => true,
    server: `${host}:${port}`,
    publish(zone, records, spread = { from: clock.now(), everywhereAt: clock.now() }) {
      const name = fullName(zone);
      const versions = zones.get(name) ?? [];
      zones.set(name, [...versions.slice(-20), { records: [...records], ...spread }]);
    },
    setName(name, address, ttlSeconds = 5) {
      const record = { name: fullName(name), type: "A", ttl: ttlSeconds, values: address ? [address] : [] };
      if (address) names.set(record.name, record);
      else names.delete(record.name);
    },
    weights(name) {
      const wanted = fullName(name);
      const latest = zones.get(zoneOf(wanted) ?? "")?.findLast((version) => version.everywhereAt);
      const sets = (latest?.records ?? []).filter((record) => record.name === wanted && record.setIdentifier);
      return sharesOf(sets, self.healthy);
    },
    close: () => listening.close(),
  };
  return self;
}

function refused(response: Packet): Packet {
  response.header.rcode = Packet.RCODE.REFUSED;
  return response;
}

function byLength(one: string, other: string): number {
  return other.length - one.length;
}
