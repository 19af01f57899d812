import { Resolver } from "node:dns/promises";
import { lookup as systemLookup, type LookupAddress, type LookupOptions } from "node:dns";
import { promises as system } from "node:dns";
import { isIP } from "node:net";
import { call, type CallContext, type CallOptions } from "../call.ts";

export type NameSettings = {
  /** Resolvers ("address:port") for every name Muster opens. Empty: the system's. */
  resolvers: readonly string[];
  /** Resolvers that stand for the public: what they answer is what customers get. */
  publicResolvers: readonly string[];
  /** The port of authoritative servers: 53 outside a lab. */
  dnsPort: number;
};

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** How names become addresses in this process. */
export type Names = {
  /** Finds the addresses of a host; an address is its own answer. Rejects as node:dns does (ENOTFOUND, ETIMEOUT). */
  resolve(host: string): Promise<string[]>;
  /** The same, in the shape agents of node:http, node:https and undici want. */
  lookup: (hostname: string, options: LookupOptions, callback: LookupCallback) => void;
  settings: NameSettings;
};

/** One name server is given up after this long, in wall milliseconds, and asked twice. */
const patience = { timeout: 1500, tries: 2 } as const;

/** Makes the look-ups of a process. */
export function makeNames(settings: NameSettings): Names {
  const resolve = async (host: string): Promise<string[]> => {
    if (isIP(host)) return [host];
    if (settings.resolvers.length === 0) {
      const found = await system.lookup(host, { all: true });
      return found.map(({ address }) => address);
    }
    const resolver = asking(settings.resolvers);
    return resolver.resolve4(host).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENODATA") throw error;
      return resolver.resolve6(host);
    });
  };
  const lookup: Names["lookup"] = (hostname, options, callback) => {
    if (settings.resolvers.length === 0) return systemLookup(hostname, options, callback);
    resolve(hostname).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        if (options.all) return callback(null, found);
        return callback(null, found[0]?.address ?? "", found[0]?.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, ""),
    );
  };
  return { resolve, lookup, settings };
}

/** Finds the addresses of a host as this process reaches it. @throws what node:dns throws. */
export async function findAddresses(
  ctx: CallContext,
  names: Names,
  host: string,
  options?: CallOptions,
): Promise<string[]> {
  return (await call(ctx, "dns.Query", () => names.resolve(host), options)).toSorted();
}

export type RecordType = "A" | "AAAA" | "CNAME";

/** What a name server answers. Node tells the TTL (seconds) of addresses only. */
export type DnsAnswer = { values: string[]; ttl: number | undefined };

/**
 * Asks one name server, by its address or name, what it answers for a name. A name that is not there has no values.
 *
 * @throws what node:dns throws (ETIMEOUT, ECONNREFUSED, ESERVFAIL, EREFUSED) when the server has no answer.
 */
export async function askServer(
  ctx: CallContext,
  names: Names,
  server: string,
  question: { name: string; type: RecordType },
  options?: CallOptions,
): Promise<DnsAnswer> {
  return call(
    ctx,
    "dns.Query",
    async () => {
      const addresses = await names.resolve(server);
      return ask(asking(addresses.map((address) => withPort(address, names.settings.dnsPort))), question);
    },
    { ...options, target: `dns ${server}` },
  );
}

/** A zone as DNS itself tells it: its name, and the servers that answer for it. */
export type ZoneSeen = { name: string; nameServers: string[] };

/**
 * Finds the zone a record is in, by asking for the name servers of its name, of its parent, and so on: DNS alone, no control
 * plane. Undefined where no parent has any.
 *
 * Resolvers follow a CNAME for this question too, and tell the name servers of what it leads to, such as a load balancer's.
 * Those answer nothing for the name. No zone begins at a CNAME (RFC 1034, 3.6.2), so such a name is passed over.
 * @throws what node:dns throws when the resolver has no answer.
 */
export async function findZone(
  ctx: CallContext,
  names: Names,
  { name, type }: { name: string; type: RecordType },
  options?: CallOptions,
): Promise<ZoneSeen | undefined> {
  const resolver = ownResolver(names);
  const all = name.replace(/\.$/, "").split(".");
  for (let labels = type === "CNAME" ? all.slice(1) : all; labels.length > 1; labels = labels.slice(1)) {
    const zone = labels.join(".");
    const servers = await call(ctx, "dns.Query", () => resolver.resolveNs(zone).catch(nothingThere), options);
    if (servers.length === 0) continue;
    const { values: leadsTo } = await call(
      ctx,
      "dns.Query",
      () => ask(resolver, { name: zone, type: "CNAME" }),
      options,
    );
    if (leadsTo.length === 0) return { name: zone, nameServers: servers.toSorted() };
  }
  return undefined;
}

/** Asks as this process looks names up, for records of one type. A name that is not there has none. @throws what node:dns throws. */
export async function findRecords(
  ctx: CallContext,
  names: Names,
  question: { name: string; type: RecordType },
  options?: CallOptions,
): Promise<string[]> {
  const resolver = ownResolver(names);
  return (await call(ctx, "dns.Query", () => ask(resolver, question), options)).values;
}

/** What one public resolver answers, or why it did not. */
export type PublicAnswer = { resolver: string; values: string[]; failed?: string };

/** Asks every public resolver of the settings at once; one that fails says so and does not hide the others. */
export async function askResolvers(
  ctx: CallContext,
  names: Names,
  question: { name: string; type: RecordType },
  options?: CallOptions,
): Promise<PublicAnswer[]> {
  return Promise.all(
    names.settings.publicResolvers.map(async (resolver) => {
      const asked = withPort(resolver, 53);
      const target = `dns ${resolver}`;
      try {
        const { values } = await call(ctx, "dns.Query", () => ask(asking([asked]), question), { ...options, target });
        return { resolver, values };
      } catch (error) {
        options?.signal?.throwIfAborted();
        return { resolver, values: [], failed: (error as Partial<Error>).message ?? String(error) };
      }
    }),
  );
}

async function ask(resolver: Resolver, { name, type }: { name: string; type: RecordType }): Promise<DnsAnswer> {
  try {
    if (type === "CNAME") return { values: await resolver.resolveCname(name), ttl: undefined };
    const found = await (type === "A"
      ? resolver.resolve4(name, { ttl: true })
      : resolver.resolve6(name, { ttl: true }));
    return { values: found.map(({ address }) => address).toSorted(), ttl: found[0]?.ttl };
  } catch (error) {
    return { values: nothingThere(error), ttl: undefined };
  }
}

/** No such name, or no such record: that is an answer. */
function nothingThere(error: unknown): string[] {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOTFOUND" || code === "ENODATA") return [];
  throw error;
}

/** Who looks names up for this process: the settings' resolvers, or the system's. */
function ownResolver({ settings: { resolvers } }: Names): Resolver {
  return resolvers.length > 0 ? asking(resolvers) : new Resolver(patience);
}

// A resolver of its own for each question: what one was told a minute ago must not answer for it now.
function asking(servers: readonly string[]): Resolver {
  const resolver = new Resolver(patience);
  resolver.setServers([...servers]);
  return resolver;
}

function withPort(server: string, port: number): string {
  if (isIP(server) === 4) return `${server}:${port}`;
  if (isIP(server) === 6) return `[${server}]:${port}`;
  return server;
}
