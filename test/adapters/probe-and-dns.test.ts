import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { askResolvers, askServer, findZone } from "../../src/adapters/dns.ts";
import { probe } from "../../src/adapters/probe.ts";
import { whyUnreachable } from "../../src/adapters/unreachable.ts";
import { east, record, zone } from "../../src/lab/estate.ts";
import { openBench, type Bench } from "../steps/bench.ts";

const url = `https://${record}:8080/health`;
const limitMs = 4000;

describe("a probe", () => {
  let bench: Bench;
  const look = (target: { address?: string; url?: string; limitMs?: number } = {}) =>
    probe(bench.ctx, bench.ctx.clients.web, { url, limitMs, ...target });
  const question = { name: record, type: "A" as const };

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  it("is green through the public name, and through an edge by its address", async () => {
    const green = { ok: true, status: 200, certificateCovers: true };
    expect(await look()).toMatchObject(green);
    expect(await look({ address: "https://east.example.com:8080" })).toMatchObject(green);
    expect(await look({ address: "east.example.com" })).toMatchObject(green);
    expect(await look({ address: bench.edges[east]?.address ?? "" })).toMatchObject(green);
  });

  it("is red, and says why", async () => {
    expect(await look({ limitMs: 0 })).toMatchObject({
      ok: false,
      why: expect.stringMatching(/^answers after \d+ ms/),
    });
    const covers = await look({ url: "https://other.example.com:8080/health", address: "east.example.com" });
    expect(covers).toMatchObject({
      ok: false,
      certificateCovers: false,
      why: "its certificate does not cover other.example.com",
    });
    const { port } = new URL(bench.rds.url);
    expect(await look({ address: `http://${bench.addresses.host(5)}:${port}` })).toMatchObject({ ok: false });
    expect(await look({ url: "https://nowhere.example.com:8080/" })).toMatchObject({
      ok: false,
      why: "has no address",
    });
    bench.edges[east]!.knobs.down = "refuses";
    expect(await look()).toMatchObject({ ok: false, why: expect.stringMatching(/connections$/) });
    bench.edges[east]!.knobs.down = "silent";
    expect(await look()).toMatchObject({ ok: false, why: "does not answer" });
    bench.edges[east]!.knobs.down = false;
    expect(await look()).toMatchObject({ ok: true });
  });

  it("throws only when its caller gives up", async () => {
    const signal = AbortSignal.abort(new Error("the lease is lost"));
    await expect(probe(bench.ctx, bench.ctx.clients.web, { url, limitMs }, { signal })).rejects.toThrow(
      "the lease is lost",
    );
  });

  it("name servers and resolvers are asked anew each time", async () => {
    const { names } = bench.ctx.clients;
    const address = bench.edges[east]?.address;
    expect(await askServer(bench.ctx, names, zone.nameServer, question)).toEqual({ values: [address], ttl: 60 });
    expect(await askResolvers(bench.ctx, names, question)).toEqual([
      { resolver: bench.resolver.server, values: [address] },
    ]);
    const name = { name: "moves.lab", type: "A" as const };
    for (const value of ["127.0.0.8", "127.0.0.9"]) {
      bench.dns.setName(name.name, value);
      expect((await askServer(bench.ctx, names, zone.nameServer, name)).values).toEqual([value]);
    }
    const nothing = { name: "nothing.example.com", type: "A" as const };
    expect((await askServer(bench.ctx, names, zone.nameServer, nothing)).values).toEqual([]);
  });

  it("the zone of a record that leads to a load balancer is its own, not the load balancer's", async () => {
    const { names } = bench.ctx.clients;
    const balancer = "balancer.shops.example.";
    bench.dns.publish("shops.example", [
      { name: "shops.example.", type: "NS", ttl: 60, values: ["ns-1.awsdns-01.com."] },
      { name: "cart.shops.example.", type: "CNAME", ttl: 60, values: [balancer] },
      { name: balancer, type: "NS", ttl: 60, values: ["ns-916.amazon.com."] },
      { name: balancer, type: "A", ttl: 60, values: ["127.0.0.9"] },
    ]);
    const own = { name: "shops.example", nameServers: ["ns-1.awsdns-01.com"] };
    expect(await findZone(bench.ctx, names, { name: "cart.shops.example", type: "CNAME" })).toEqual(own);
    // Also where the estate takes it for another type, and where only a parent of it leads elsewhere.
    expect(await findZone(bench.ctx, names, { name: "cart.shops.example", type: "A" })).toEqual(own);
    expect(await findZone(bench.ctx, names, { name: "eu.cart.shops.example", type: "CNAME" })).toEqual(own);
    const balancers = { name: "balancer.shops.example", nameServers: ["ns-916.amazon.com"] };
    expect(await findZone(bench.ctx, names, { name: "balancer.shops.example", type: "A" })).toEqual(balancers);
  });

  it("a name server that is silent is not one that answers nothing", async () => {
    bench.dns.knobs.down = "silent";
    const { names } = bench.ctx.clients;
    const error = await askServer(bench.ctx, names, bench.addresses.host(2), question).catch(
      (thrown: unknown) => thrown,
    );
    expect(whyUnreachable(error)).toBeDefined();
    bench.dns.knobs.down = "refuses";
    await expect(askServer(bench.ctx, names, bench.addresses.host(2), question)).rejects.toBeDefined();
    bench.dns.knobs.down = false;
  });
});
