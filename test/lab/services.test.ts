import { request } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { getWeightedRecords, replaceWeights } from "../../src/adapters/route53.ts";
import { playActions } from "../../src/lab/emergency-script.ts";
import { parseEstate } from "../../src/estate-file.ts";
import type { Estate } from "../../src/estate.ts";
import { east, instancesOf, labEstate, recordOf, west, zone } from "../../src/lab/estate.ts";
import { readBody } from "../../src/lab/listening.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { lookAtService, type ServiceSeen } from "../../src/lab/service-sights.ts";
import { checkout, checkWishes, shopServices, type ServiceWish } from "../../src/lab/services.ts";
import { openBench, type Bench } from "../steps/bench.ts";

const wishes = { replicas: 3, stabilitySeconds: 60 };
const withDatabase = shopServices.filter(({ database }) => database).map(({ name }) => name);

/** Two and a half minutes on the wall, where the clock only runs: thirty pods start, and a busy machine takes its time. */
const patienceSeconds = 3000;

describe("a lab of twelve services", () => {
  let bench: Bench;
  const everyService = () => Promise.all(bench.services.map((service) => lookAtService(bench, service)));
  const statuses = async () => new Set((await everyService()).map(({ status }) => status));
  const untilAll = (what: string, status: number | undefined) =>
    bench.time.until(what, async () => [...(await statuses())].every((each) => each === status), patienceSeconds);

  beforeAll(async () => {
    bench = await openBench({ rate: 20, services: shopServices });
  });
  afterAll(() => bench.close());

  it("serves each of them from the east, by its public name", async () => {
    await untilAll("every service is healthy", 200);
    const expected = shopServices.map(({ name, database, replicas = 3 }): ServiceSeen => ({
      name,
      writers: database ? [east] : undefined,
      dns: [east],
      shares: { [east]: 100, [west]: 0 },
      pods: { east: { ready: replicas, wanted: replicas }, west: { ready: 1, wanted: 1 } },
      status: 200,
    }));
    expect(await everyService()).toEqual(expected);
  }, 180_000);

  it("has one front door a region: who is asked for is told by the host name", async () => {
    const pods = await Promise.all(shopServices.map(({ name }) => askFrontDoor(bench, recordOf(name))));
    expect(pods.map(({ pod }) => pod?.replace(/-[0-9a-f]+$/, ""))).toEqual(shopServices.map(({ name }) => name));
    expect(await askFrontDoor(bench, "basket.example.com:8080")).toMatchObject({ status: 200 });
    expect(await askFrontDoor(bench, "nobody.example.com")).toEqual({ status: 404 });
    expect((await askFrontDoor(bench, "east.example.com")).pod).toMatch(/^checkout-/);
  });

  it("loses all of them with the east; the west's replicas are there", async () => {
    await bench.setRegionDead(east, true);
    expect(await statuses()).toEqual(new Set([undefined]));
    const pairs = bench.services.flatMap(({ pair }) => (pair ? [pair] : []));
    expect(pairs).toHaveLength(withDatabase.length);
    for (const { primary, replica } of pairs) {
      expect([primary.front.mode, replica.front.mode]).toEqual(["silent", "open"]);
      expect(await ask(replica.server, "select pg_is_in_recovery() as follows")).toEqual([{ follows: true }]);
    }
    expect(withDatabase.map((name) => bench.rds.get(instancesOf(name)[west]).source)).toEqual(
      withDatabase.map((name) => expect.stringContaining(`:${instancesOf(name)[east]}`)),
    );
  });

  it("has them back with the east", async () => {
    await bench.setRegionDead(east, false);
    await untilAll("every service is healthy again", 200);
  }, 180_000);

  it("moves only the service whose record is changed", async () => {
    const dns = { zone: zone.id, name: recordOf("search"), type: "A" as const, ttl: 60 };
    const { route53 } = bench.ctx.clients;
    const from = await getWeightedRecords(bench.ctx, route53, dns);
    await replaceWeights(bench.ctx, route53, dns, { from, weights: { [west]: 100 } });
    const searched = () =>
      bench.log.of(`edge-${west}`, "GET /health").filter(({ resource }) => resource.startsWith("search."));
    const served = async () => {
      await statuses();
      return searched().length > 0;
    };
    await bench.time.until("customers of search reach the west", served, patienceSeconds);
    const led = (await everyService()).map(({ name, dns: regions }) => [name, ...regions]);
    expect(led).toEqual(shopServices.map(({ name }) => [name, name === "search" ? west : east]));
    await untilAll("every service is healthy there", 200);
    expect(bench.log.of(`edge-${west}`, "GET /health")).toEqual(searched());
  }, 180_000);

  it("sees the emergency script tell people first, and not recover while the health page is slow", async () => {
    const edges = Object.values(bench.edges);
    const [asked, startedAt] = [bench.log.all.length, performance.now()];
    // A slow one is closed as waiting first, and gone when it was answered.
    const looks = () =>
      edges
        .flatMap(({ region }) => bench.log.of(`edge-${region}`, "GET /health"))
        .filter(({ openedAt, status, goneAt }) => openedAt > startedAt && (status === 200 || goneAt !== undefined))
        .length;
    // More than a second on the wall.
    for (const { knobs } of edges) knobs.slowSeconds = 1.1 * bench.time.clock.rate;
    let took: number | null | undefined;
    const played = playActions(bench.ctx, bench, 3).then((seconds) => (took = seconds));
    const looksTwice = async () => {
      while (looks() < 2) await bench.time.clock.sleep(1);
    };
    await Promise.race([looksTwice(), played]);
    for (const { knobs } of edges) knobs.slowSeconds = 0;
    expect(took).toBeUndefined();
    await played;
    expect(took).toBeGreaterThan(2.2 * bench.time.clock.rate);
    expect(looks()).toBe(4);
    // What met the cluster's own controllers (409) was tried again.
    const requests = bench.log.all.slice(asked).filter(({ status }) => status !== 409);
    const actions = requests.map(({ action }) => action);
    expect(actions.filter((action) => /^(chat\.|Change|Promote|PATCH )/.test(action))).toEqual([
      "chat.postMessage",
      "ChangeResourceRecordSets",
      "PromoteReadReplica",
      "PATCH configmaps",
      "PATCH deployments/scale",
    ]);
  });
});

describe("the estate of twelve services", () => {
  it("has all that belongs to each, and no database where none is wished", () => {
    const { services } = parse(labEstate({ ...wishes, services: shopServices })) as Pick<Estate, "services">;
    expect(Object.keys(services)).toEqual(shopServices.map(({ name }) => name));
    const having = (key: "databases" | "configs") => Object.keys(services).filter((name) => services[name]?.[key]);
    expect(having("databases")).toEqual(withDatabase);
    expect(having("configs")).toEqual(withDatabase);
    expect(services["shipping"]).toMatchObject({
      tier: "important",
      dependsOn: ["checkout"],
      traffic: { name: "shipping.example.com" },
      databases: [
        {
          writer: { instance: "shipping-db", appRole: { env: "SHIPPING_DB_URL" } },
          replica: { instance: "shipping-db-west", appRole: { env: "SHIPPING_DB_URL" } },
        },
      ],
      deployments: [{ replicas: 2 }, { replicas: 2 }],
      configs: [{ name: "shipping-config", key: "DB_HOST" }],
      health: { url: "https://shipping.example.com:8080/health" },
    });
  });

  it("is one that Muster reads", () => {
    const services = shopServices.map((service) => ({ ...service, database: true }));
    expect(Object.keys(parseEstate(labEstate({ ...wishes, services }), "estate.yaml").services)).toHaveLength(12);
  });

  it("moves in three waves, by tiers as well as by dependencies", () => {
    const depth = (name: string): number => {
      const { dependsOn = [] } = shopServices.find((service) => service.name === name) ?? {};
      return 1 + Math.max(0, ...dependsOn.map(depth));
    };
    const waves = { critical: 1, important: 2, standard: 3 };
    expect(shopServices.map(({ name }) => depth(name))).toEqual(shopServices.map(({ tier }) => waves[tier]));
  });
});

describe("services that no lab can have", () => {
  const one = (name: string, more: Partial<ServiceWish> = {}): ServiceWish => ({ name, tier: "standard", ...more });
  it.each<[string, ServiceWish[]]>([
    ["among its services there is no checkout with a database", [one("basket")]],
    ["among its services there is no checkout with a database", [one("checkout")]],
    ['"Basket" cannot stand in DNS', [checkout, one("Basket")]],
    ["west.example.com is the front door of a region", [checkout, one("west")]],
    ['there are two services "basket"', [checkout, one("basket"), one("basket")]],
    ['"basket" depends on "catalog", which is not there', [checkout, one("basket", { dependsOn: ["catalog"] })]],
  ])("are refused: %s", (why, services) => {
    expect(() => checkWishes(services)).toThrow(`The lab was not opened: ${why}.`);
  });
});

/** Asks the east's front door for a health page, and tells which pod answered. */
function askFrontDoor(
  { edges, authority }: Bench,
  host: string,
): Promise<{ status: number | undefined; pod?: string }> {
  const { address = "", port = 0 } = edges[east] ?? {};
  return new Promise((resolve, reject) => {
    const options = { host: address, port, path: "/health", headers: { host }, agent: false };
    const asked = request({ ...options, servername: recordOf(checkout.name), ca: authority.cert });
    asked.on("error", reject);
    asked.on("response", (response) => {
      readBody(response).then((body) => {
        const { pod } = body.startsWith("{") ? (JSON.parse(body) as { pod?: string }) : {};
        resolve({ status: response.statusCode, ...(pod === undefined ? {} : { pod }) });
      }, reject);
    });
    asked.end();
  });
}
