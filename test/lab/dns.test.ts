import { Resolver } from "node:dns/promises";
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { Clock } from "../../src/clock.ts";
import { openDns } from "../../src/lab/dns.ts";
import type { Dns } from "../../src/lab/dns.ts";
import type { ZoneRecord } from "../../src/lab/dns-answers.ts";
import { Packet } from "../../src/lab/dns-wire.ts";
import { openResolver } from "../../src/lab/resolver.ts";
import type { LabResolver } from "../../src/lab/resolver.ts";

const name = "checkout.example.com.";
const east = "127.0.0.11";
const west = "127.0.0.21";

let clock: Clock;
let dns: Dns;
let second: LabResolver;
let drawn: () => number;

beforeEach(async () => {
  clock = new Clock({ shows: new Date("2026-11-23T03:00:00Z"), rate: 1 });
  drawn = Math.random;
  dns = await openDns({ host: "127.199.42.2", clock, random: () => drawn() });
  second = await openResolver({ host: "127.199.42.3", upstream: dns.server, clock });
  dns.publish("example.com", zone(100, 0));
});

afterEach(async () => {
  await second.close();
  await dns.close();
});

const zone = (eastWeight: number, westWeight: number): ZoneRecord[] => [
  { name: "example.com.", type: "NS", ttl: 172_800, values: ["ns1.lab."] },
  { name: "example.com.", type: "SOA", ttl: 60, values: ["ns1.lab. admin.example.com. 1 7200 900 1209600 60"] },
  { name, type: "A", ttl: 60, values: [east], setIdentifier: "us-east-1", weight: eastWeight },
  { name, type: "A", ttl: 60, values: [west], setIdentifier: "us-west-2", weight: westWeight },
  { name: "www.example.com.", type: "CNAME", ttl: 300, values: [name] },
];
const resolverAt = (server: string, timeout = 10_000) => {
  const resolver = new Resolver({ timeout, tries: 1 });
  resolver.setServers([server]);
  return resolver;
};
const asked = async (times: number, server = dns.server) => {
  const resolver = resolverAt(server);
  const counts: Record<string, number> = {};
  for (let time = 0; time < times; time += 1) {
    const [address = "none"] = await resolver.resolve4(name);
    counts[address] = (counts[address] ?? 0) + 1;
  }
  return counts;
};
const jump = (seconds: number) => clock.set({ shows: new Date(clock.now().getTime() + seconds * 1000), rate: 1 });

describe("the authoritative server", () => {
  it("never answers with a weight of 0 while another is above 0", async () => {
    expect(await asked(50)).toEqual({ [east]: 50 });
  });

  it("shares answers by weight", async () => {
    dns.publish("example.com", zone(50, 150));
    const counts = await asked(400);
    expect(counts[west]).toBeGreaterThan(240);
    expect(counts[east]).toBeGreaterThan(50);
  });

  it("takes all weights 0 for all equal", async () => {
    dns.publish("example.com", zone(0, 0));
    const counts = await asked(100);
    expect(counts[west]).toBeGreaterThan(20);
    expect(counts[east]).toBeGreaterThan(20);
  });

  it("changes over gradually until a change is everywhere", async () => {
    const now = clock.now().getTime();
    dns.publish("example.com", zone(0, 100), { from: new Date(now), everywhereAt: new Date(now + 40_000) });
    drawn = () => 0.3;
    expect(await asked(1)).toEqual({ [east]: 1 });
    jump(20);
    expect(await asked(1)).toEqual({ [west]: 1 });
    drawn = () => 0.9;
    expect(await asked(1)).toEqual({ [east]: 1 });
    jump(21);
    expect(await asked(1)).toEqual({ [west]: 1 });
  });

  it("keeps the old answer when a change never gets there", async () => {
    dns.publish("example.com", zone(0, 100), { from: clock.now(), everywhereAt: undefined });
    jump(3600);
    expect(await asked(20)).toEqual({ [east]: 20 });
    expect(dns.weights("checkout.example.com")).toEqual({ "us-east-1": 100, "us-west-2": 0 });
  });

  it("tells a missing name from a missing type, and refuses what is not its own", async () => {
    const resolver = resolverAt(dns.server);
    await expect(resolver.resolve4("nothing.example.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
    await expect(resolver.resolve6("checkout.example.com")).rejects.toMatchObject({ code: "ENODATA" });
    await expect(resolver.resolve4("example.org")).rejects.toMatchObject({ code: "EREFUSED" });
    expect(await resolver.resolveNs("example.com")).toEqual(["ns1.lab"]);
    expect(await resolver.resolveSoa("example.com")).toMatchObject({ nsname: "ns1.lab", minttl: 60 });
    expect(await resolver.resolve4("www.example.com", { ttl: true })).toEqual([{ address: east, ttl: 60 }]);
  });

  it("answers static names as they are now", async () => {
    const resolver = resolverAt(dns.server);
    dns.setName("checkout-db.us-east-1.rds.lab", "127.0.0.10");
    expect(await resolver.resolve4("checkout-db.us-east-1.rds.lab")).toEqual(["127.0.0.10"]);
    dns.setName("checkout-db.us-east-1.rds.lab", undefined);
    await expect(resolver.resolve4("checkout-db.us-east-1.rds.lab")).rejects.toMatchObject({ code: "EREFUSED" });
  });

  it("answers over TCP too", async () => {
    const question = new Packet();
    question.header.id = 7;
    question.questions = [new Packet.Question({ name: "checkout.example.com", type: 1, class: 1 })];
    const bytes = question.toBuffer();
    const length = Buffer.alloc(2);
    length.writeUInt16BE(bytes.length);
    const socket = connect({ host: "127.199.42.2", port: 5353 });
    socket.write(Buffer.concat([length, bytes]));
    const answer = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    socket.destroy();
    expect(Packet.parse(answer.subarray(2)).answers[0]?.address).toBe(east);
  });

  it("is silent when it is down", async () => {
    dns.knobs.down = "silent";
    await expect(resolverAt(dns.server, 500).resolve4(name)).rejects.toMatchObject({ code: "ETIMEOUT" });
  });
});

describe("the second resolver", () => {
  it("keeps an answer for its TTL on the lab's clock, then asks again", async () => {
    expect(await asked(1, second.server)).toEqual({ [east]: 1 });
    dns.publish("example.com", zone(0, 100));
    jump(50);
    const [kept] = await resolverAt(second.server).resolve4(name, { ttl: true });
    expect(kept?.address).toBe(east);
    expect(kept?.ttl).toBeLessThanOrEqual(10);
    jump(11);
    expect(await asked(5, second.server)).toEqual({ [west]: 5 });
  });

  it("remembers that a name is missing for as long as the zone says", async () => {
    const resolver = resolverAt(second.server);
    await expect(resolver.resolve4("new.example.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
    dns.publish("example.com", [...zone(100, 0), { name: "new.example.com.", type: "A", ttl: 60, values: [west] }]);
    await expect(resolver.resolve4("new.example.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
    jump(61);
    expect(await resolver.resolve4("new.example.com")).toEqual([west]);
  });

  it("says that it failed when the name server does not answer", async () => {
    dns.knobs.down = "silent";
    await expect(resolverAt(second.server).resolve4(name)).rejects.toMatchObject({ code: "ESERVFAIL" });
  });
});
