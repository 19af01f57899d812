import { Resolver } from "node:dns/promises";
import { request as httpsRequest } from "node:https";
import type { Clock } from "../clock.ts";
import { closeWhenStuck, within } from "./deadline.ts";
import type { RequestLog } from "./request-log.ts";

type Options = {
  log: RequestLog;
  clock: Clock;
  random: () => number;
  /** The shop's public name and the port it is reached at. */
  name: string;
  port?: number;
  path?: string;
  /** Name server that customers ask, "ip:port". */
  resolver: string;
  /** What the customers' browsers trust, as PEM. */
  ca: string;
  /** How many customers buy at the same time. */
  customers?: number;
  /** How long a customer thinks between two orders; how long one waits for an answer. */
  everySeconds?: number;
  timeoutSeconds?: number;
  /** How often somebody looks at one of the newest orders that were answered; left out, nobody does. */
  lookEverySeconds?: number;
  /** Tells whether nobody answers at an address by the lab's own doing, so that its clock need not wait to find out. */
  isDead?: (address: string) => boolean;
};

/** How long a customer thinks before trying an order again. */
const retrySeconds = 2;
/** How long answers under way are waited for at the end, in wall milliseconds. */
const stopMilliseconds = 3000;
/** Among how many of the newest orders somebody picks one to look at. */
const newest = 10;

export type Attempt = { at: Date; endedAt: Date; address: string | undefined; outcome: number | string };
export type Order = {
  number: number;
  customer: string;
  placedAt: Date;
  attempts: Attempt[];
  answeredAt?: Date;
  /** When somebody looked at the order after it was answered, and was told that there is none. */
  deniedAt?: Date;
};

/** How attempts that ended in one lab second went. */
export type Bucket = { at: Date; answered: number; failed: number };

/** One thing that a customer asks of the shop. */
type Visit = { method: "GET" | "POST"; path: string; body?: string };

export type Customer = {
  /** Every order, in the order they were first placed. */
  orders(): readonly Order[];
  /** Numbers that were answered 2xx, orders not yet answered, and attempts that failed. */
  counts(): { accepted: number[]; open: number[]; attempts: number; errors: number };
  /** The last so many lab seconds, second by second; those in which nothing ended are left out. */
  series(seconds?: number): Bucket[];
  /** Places no more orders, waits for the answers under way, and forgets those that never come. */
  stop(): Promise<void>;
};

/** Opens customers who place numbered orders through DNS, and repeat each until it is answered. */
export function openCustomer(options: Options): Customer {
  const { log, clock, random, customers = 1, everySeconds = 1, timeoutSeconds = 5, path = "/orders" } = options;
  const orders: Order[] = [];
  const taken: Order[] = [];
  const buckets = new Map<number, Bucket>();
  const stopping = new AbortController();
  const giveUp = new AbortController();
  const lookUp = cachedLookup(clock, options.resolver, options.name);

  const visit = async (order: Order, wanted: Visit): Promise<Attempt> => {
    const at = clock.now();
    const request = log.begin("customer", `${wanted.method} order`, String(order.number));
    closeWhenStuck(log, request);
    const tried: { address?: string } = {};
    const isDead = () => tried.address !== undefined && options.isDead?.(tried.address) === true;
    const lookUpAndTell = async () => {
      tried.address = await lookUp();
      if (isDead()) log.close(request, "hangs");
      return tried.address;
    };
    const over = new AbortController();
    const signal = AbortSignal.any([giveUp.signal, over.signal]);
    const outcome = await within(clock, timeoutSeconds, send(options, wanted, lookUpAndTell, signal), isDead).catch(
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    over.abort();
    log.close(request, outcome);
    return { at, endedAt: clock.now(), address: tried.address, outcome };
  };
  const attempt = async (order: Order) => {
    const tried = await visit(order, { method: "POST", path, body: spell(order) });
    order.attempts.push(tried);
    const accepted = typeof tried.outcome === "number" && tried.outcome >= 200 && tried.outcome < 300;
    if (accepted) {
      order.answeredAt = tried.endedAt;
      taken.push(order);
    }
    note(tried.endedAt, accepted);
  };
  /** No answer and an error are an outage; that there is no such order is a wrong answer. */
  const look = async (order: Order) => {
    const { outcome, endedAt } = await visit(order, { method: "GET", path: `${path}/${order.number}` });
    if (outcome === 404) order.deniedAt ??= endedAt;
  };
  const note = (at: Date, answered: boolean) => {
    const second = Math.floor(at.getTime() / 1000);
    const bucket = buckets.get(second) ?? { at: new Date(second * 1000), answered: 0, failed: 0 };
    if (answered) bucket.answered += 1;
    else bucket.failed += 1;
    buckets.set(second, bucket);
  };

  const pause = (seconds: number) => clock.sleep(seconds, stopping.signal).catch(ifStopping);
  const ifStopping = (error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  };
  const live = async (customer: string, firstAfterSeconds: number) => {
    await pause(firstAfterSeconds);
    while (!stopping.signal.aborted) {
      const order: Order = { number: orders.length + 1, customer, placedAt: clock.now(), attempts: [] };
      orders.push(order);
      await attempt(order);
      while (!order.answeredAt && !stopping.signal.aborted) {
        await pause(retrySeconds);
        if (!stopping.signal.aborted) await attempt(order);
      }
      await pause(everySeconds);
    }
  };
  const readOn = async (lookEverySeconds: number) => {
    while (!stopping.signal.aborted) {
      const order = taken.at(-1 - Math.floor(random() * Math.min(newest, taken.length)));
      if (order) await look(order);
      await pause(lookEverySeconds);
    }
  };
  const lives = Array.from({ length: customers }, (_, index) =>
    live(`customer-${index + 1}`, everySeconds * (customers > 1 ? random() : 0)),
  );
  if (options.lookEverySeconds !== undefined) lives.push(readOn(options.lookEverySeconds));

  return {
    orders: () => orders,
    counts() {
      const attempts = orders.flatMap((order) => order.attempts).length;
      const accepted = orders.filter((order) => order.answeredAt).map((order) => order.number);
      const open = orders.filter((order) => !order.answeredAt).map((order) => order.number);
      return { accepted, open, attempts, errors: attempts - accepted.length };
    },
    series(seconds = Infinity) {
      const since = clock.now().getTime() - seconds * 1000;
      return [...buckets.values()].filter((bucket) => bucket.at.getTime() >= since);
    },
    async stop() {
      stopping.abort();
      const patience = setTimeout(() => giveUp.abort(new Error("the customer went away")), stopMilliseconds);
      await Promise.all(lives);
      clearTimeout(patience);
    },
  };
}

const spell = ({ number, customer }: Order): string =>
  JSON.stringify({ number, customer, totalCents: 100 * number + 99 });

/** Asks the shop once: name, connection, answer. Keeps no connection, which would hold on to an old address. */
async function send(
  { name, port = 8080, ca }: Options,
  { method, path, body }: Visit,
  lookUp: () => Promise<string>,
  signal: AbortSignal,
): Promise<number> {
  const address = await lookUp();
  const headers = {
    host: `${name}:${port}`,
    ...(body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      host: address,
      port,
      path,
      method,
      headers,
      ca,
      servername: name,
      agent: false,
      signal,
    });
    request.on("error", reject);
    request.on("response", (response) => {
      response.resume();
      response.on("error", reject);
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    request.end(body);
  });
}

/** Looks the name up and keeps the answer for its TTL on the lab's clock, as a browser's machine does. */
function cachedLookup(clock: Clock, server: string, name: string): () => Promise<string> {
  const resolver = new Resolver({ timeout: 1000, tries: 2 });
  resolver.setServers([server]);
  let kept: { address: string; until: number } | undefined;
  return async () => {
    if (kept && clock.now().getTime() < kept.until) return kept.address;
    const [answer] = await resolver.resolve4(name, { ttl: true });
    if (!answer) throw new Error(`${name} has no address`);
    kept = { address: answer.address, until: clock.now().getTime() + answer.ttl * 1000 };
    return kept.address;
  };
}
