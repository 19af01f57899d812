import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { setTimeout } from "node:timers/promises";
import { connect } from "node:tls";
import { Clock } from "../../src/clock.ts";
import { claimAddresses } from "../../src/lab/address.ts";
import type { Addresses } from "../../src/lab/address.ts";
import { openAuthority } from "../../src/lab/certificates.ts";
import { openCustomer } from "../../src/lab/customer.ts";
import type { Customer } from "../../src/lab/customer.ts";
import { openDns } from "../../src/lab/dns.ts";
import type { Dns } from "../../src/lab/dns.ts";
import { openEdge } from "../../src/lab/edge.ts";
import type { Edge } from "../../src/lab/edge.ts";
import { openKubernetes } from "../../src/lab/kubernetes.ts";
import type { Kubernetes } from "../../src/lab/kubernetes.ts";
import { ask, openPair, promote } from "../../src/lab/postgres-pair.ts";
import type { Pair } from "../../src/lab/postgres-pair.ts";
import { RequestLog } from "../../src/lab/request-log.ts";
import { app } from "../../src/lab/shop.ts";

const regions = ["us-east-1", "us-west-2"] as const;
const hosts = { "us-east-1": "checkout-db.us-east-1.rds.lab", "us-west-2": "checkout-db-west.us-west-2.rds.lab" };
const name = "checkout.example.com";

let addresses: Addresses;
let pair: Pair;
let clock: Clock;
let log: RequestLog;
let dns: Dns;
let customer: Customer;
let ca: string;
const kubernetes: Kubernetes[] = [];
const edges: Edge[] = [];

beforeEach(async () => {
  addresses = await claimAddresses();
  pair = await openPair({ addresses, regions });
  clock = new Clock({ shows: new Date("2026-11-23T03:00:00Z"), rate: 20 });
  log = new RequestLog(clock);
  dns = await openDns({ host: addresses.host(2), clock, random: Math.random });
  dns.setName(hosts["us-east-1"], pair.primary.front.listen.host);
  dns.setName(hosts["us-west-2"], pair.replica.front.listen.host);
  answerWith(100, 0);
  const authority = await openAuthority();
  ca = authority.cert;
  for (const [index, region] of regions.entries()) {
    const cluster = await openKubernetes({
      log,
      clock,
      random: Math.random,
      host: addresses.host(12 + index * 10),
      region,
      context: `prod-${region}`,
      token: "lab-token",
      authority,
      namespaces: [
        {
          name: "shop",
          configMaps: [{ name: "app-config", data: { DB_HOST: hosts[region] } }],
          deployments: [{ name: "checkout", replicas: 2, config: { name: "app-config", key: "DB_HOST" } }],
        },
      ],
      app: { resolver: dns.server, role: app },
    });
    kubernetes.push(cluster);
    const host = addresses.host(11 + index * 10);
    const pods = () => cluster.pods("shop", "checkout");
    edges.push(await openEdge({ log, clock, host, region, authority, names: [name, `${region}.example.com`], pods }));
  }
  const isDead = (address: string) => edges.some((edge) => edge.address === address && edge.knobs.down === "silent");
  customer = openCustomer({
    log,
    clock,
    random: Math.random,
    name,
    resolver: dns.server,
    ca,
    customers: 2,
    lookEverySeconds: 2,
    isDead,
  });
});

afterEach(async () => {
  await customer.stop();
  for (const edge of edges.splice(0)) await edge.close();
  for (const cluster of kubernetes.splice(0)) await cluster.close();
  await dns.close();
  await pair.close();
  await addresses.release();
});

function answerWith(east: number, west: number) {
  const record = (region: string, host: number, weight: number) => ({
    name: `${name}.`,
    type: "A",
    ttl: 60,
    setIdentifier: region,
    weight,
    values: [addresses.host(host)],
  });
  dns.publish("example.com", [record("us-east-1", 11, east), record("us-west-2", 21, west)]);
}
const denied = () => customer.orders().filter((order) => order.deniedAt);
const stored = async (server: Pair["primary"]["server"]) => {
  const rows = await ask<{ number: string; committed_by: string }>(
    server,
    "select number, committed_by from orders order by id",
  );
  return rows.map(({ number, committed_by }) => ({ number: Number(number), region: committed_by }));
};

/** Waits until the replica has received all that the primary wrote. */
const arrives = async () => {
  const [row] = await ask<{ lsn: string }>(pair.primary.server, "select pg_current_wal_lsn()::text as lsn");
  const arrived = `select where pg_last_wal_receive_lsn() >= '${row?.lsn}'`;
  while ((await ask(pair.replica.server, arrived)).length === 0) await setTimeout(20);
};

const until = async (isSo: () => boolean | Promise<boolean>) => {
  for (let wait = 0; wait < 240; wait += 1) {
    if (await isSo()) return;
    await clock.sleep(5);
  }
  throw new Error("Twenty minutes of the lab passed, and it is not so");
};

describe("the synthetic customer", () => {
  it("has every accepted number in the database, through a region's death, promotion and a moved record", async () => {
    // Slowly at first: five seconds of a customer's patience must be more than what a busy machine takes.
    clock.set({ shows: clock.now(), rate: 2 });
    await until(() => customer.counts().accepted.length > 10);
    const calm = customer.counts();
    expect(calm.accepted.length).toBeGreaterThan(10);
    expect(calm.errors).toBe(0);

    kubernetes[0]?.setDead(true);
    const [east, west] = edges;
    if (east) east.knobs.down = "silent";
    // Nobody is answered any more. What was answered has arrived: this is not about what a replica lacks.
    await arrives();
    await pair.setRegion("us-east-1", "silent");
    clock.set({ shows: clock.now(), rate: 20 });
    await until(() => customer.counts().errors > 0 && customer.counts().open.length === 2);
    const dead = customer.counts();
    expect(dead.errors).toBeGreaterThan(0);
    expect(dead.open.length).toBe(2);
    expect(west?.knobs.down).toBe(false);

    await promote(pair.replica.server);
    answerWith(0, 100);
    await until(() => customer.counts().accepted.length > dead.accepted.length + 5);
    await customer.stop();
    const { accepted } = customer.counts();
    const rows = await stored(pair.replica.server);
    const numbers = new Set(rows.map((row) => row.number));
    expect(accepted.filter((number) => !numbers.has(number))).toEqual([]);
    expect(new Set(rows.map((row) => row.region))).toEqual(new Set(regions));
    const last = customer.orders().findLast((order) => order.answeredAt);
    expect(last?.attempts.at(-1)).toMatchObject({ address: addresses.host(21), outcome: 201 });
    const failed = customer.series().reduce((sum, bucket) => sum + bucket.failed, 0);
    expect(failed).toBe(customer.counts().errors);
    // Looks were not answered either, for minutes: an outage, and no wrong answer.
    expect(log.of("customer", "GET order").some(({ status }) => status !== 200)).toBe(true);
    expect(denied()).toEqual([]);
  });

  it("sees it where an order that was taken is not there any more", async () => {
    // Slowly: five seconds of a customer's patience must be more than what a busy machine takes.
    clock.set({ shows: clock.now(), rate: 2 });
    await until(() => customer.counts().accepted.length > 20);
    expect(denied()).toEqual([]);
    // Again and again: whoever looks late, looks at orders that came after the first time.
    const gone: number[] = [];
    await until(async () => {
      const rows = await ask<{ number: string }>(pair.primary.server, "delete from orders returning number");
      gone.push(...rows.map(({ number }) => Number(number)));
      return denied().length > 0;
    });
    await customer.stop();
    expect(gone).toEqual(expect.arrayContaining(denied().map(({ number }) => number)));
  });

  it("gets 503 from the edge when no pod is ready, and repeats its number until it is answered", async () => {
    kubernetes[0]?.scale("shop", "checkout", 0, "console");
    const open = () => customer.orders().filter((order) => !order.answeredAt);
    await until(() => open().length === 2 && open().every(({ attempts }) => attempts.at(-1)?.outcome === 503));
    const turnedAway = open();
    kubernetes[0]?.scale("shop", "checkout", 1, "console");
    await until(() => turnedAway.every(({ answeredAt }) => answeredAt));
    await customer.stop();
    const { accepted, open: left } = customer.counts();
    const rows = await stored(pair.primary.server);
    // Whether an order is there whose answer nobody waited for at the end, is open.
    const numbers = rows.map((row) => row.number).filter((number) => !left.includes(number));
    expect(numbers.toSorted((one, other) => one - other)).toEqual(accepted);
  });
});

describe("a clock that jumps whenever nothing is in flight", () => {
  const pass = async (seconds: number) => {
    const end = clock.now().getTime() + seconds * 1000;
    while (clock.now().getTime() < end) {
      const due = clock.nextDue()?.getTime() ?? end;
      if (log.open === 0)
        clock.set({ shows: new Date(Math.max(clock.now().getTime(), Math.min(end, due))), rate: 0.1 });
      await setTimeout(1);
    }
  };

  it("cuts off nobody who is being served, and skips no attempt that times out", async () => {
    // It hardly runs, but jumps: what a visit takes on the wall is no time of the lab.
    clock.set({ shows: clock.now(), rate: 0.1 });
    const startedAt = performance.now();
    await pass(60);
    const calm = customer.counts();
    expect(calm.errors).toBe(0);
    // Two customers who order every second and wait for nothing: 120 at most, less for the time it takes on the wall.
    expect(calm.accepted.length).toBeGreaterThan(50);

    kubernetes[0]?.setDead(true);
    if (edges[0]) edges[0].knobs.down = "silent";
    await pair.setRegion("us-east-1", "silent");
    await pass(700);
    // Five seconds of waiting and two of thinking for each attempt, by two customers.
    const { errors } = customer.counts();
    expect(errors).toBeGreaterThan(190);
    expect(errors).toBeLessThanOrEqual(200);
    // Twelve minutes of the lab.
    expect(performance.now() - startedAt).toBeLessThan(120_000);
  }, 150_000);
});

describe("the edge", () => {
  it("shows a certificate of the lab's authority for the public name and its own", async () => {
    const socket = connect({ host: addresses.host(21), port: 8080, ca, servername: name });
    await new Promise((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
    const certificate = new X509Certificate(socket.getPeerCertificate().raw);
    socket.destroy();
    expect(certificate.subjectAltName).toContain("DNS:checkout.example.com, DNS:us-west-2.example.com");
  });
});
