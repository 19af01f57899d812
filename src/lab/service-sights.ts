import pg from "pg";
import { east, west } from "./estate.ts";
import type { PairSide } from "./postgres-pair.ts";
import { app } from "./shop.ts";
import { regionAt, resolveName, visit } from "./visit.ts";
import type { LabService, World } from "./world.ts";

/** One service as it is, read from the lab's servers and not through Muster. */
export type ServiceSeen = {
  name: string;
  /** Regions whose server takes a write from the application, tried at the servers themselves; undefined without data. */
  writers: string[] | undefined;
  /** The region that the authoritative server's answer leads to, each time it is asked. */
  dns: string[];
  /** Shares of DNS answers once every name server is up to date. */
  shares: Record<string, number>;
  pods: { east: PodsSeen; west: PodsSeen };
  /** What a customer gets who asks for its health page through the resolver; undefined: no answer. */
  status: number | undefined;
};

/** Pods in one region; in a dead one, what its cluster would say of itself. */
export type PodsSeen = { ready: number; wanted: number };

/** Looks at one service. */
export async function lookAtService(world: World, { name, record, pair }: LabService): Promise<ServiceSeen> {
  const [writers, addresses, status] = await Promise.all([
    pair ? writersOf([pair.primary, pair.replica]) : undefined,
    resolveName(world.dns.server, record),
    visit(world, record),
  ]);
  return {
    name,
    writers,
    dns: addresses.map((address) => regionAt(world, address) ?? address),
    shares: world.dns.weights(record),
    pods: { east: podsIn(world, east, name), west: podsIn(world, west, name) },
    status,
  };
}

/** Counts a service's pods in a region. */
export function podsIn({ clusters }: Pick<World, "clusters">, region: string, service: string): PodsSeen {
  const cluster = clusters[region];
  const pods = cluster?.pods("shop", service) ?? [];
  return {
    ready: pods.filter((pod) => pod.ready && !pod.deletedAt).length,
    wanted: cluster?.replicas("shop", service) ?? 0,
  };
}

/** Names the regions of those servers that take a write from the application. */
export async function writersOf(sides: readonly PairSide[]): Promise<string[]> {
  const found = await Promise.all(sides.map(async (side) => ((await takesWrites(side)) ? [side.region] : [])));
  return found.flat();
}

/** Tries a write as the application, and leaves nothing behind. */
async function takesWrites({ server }: PairSide): Promise<boolean> {
  const client = new pg.Client(server.url(app));
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("begin; delete from users; rollback");
    return true;
  } catch {
    return false;
  } finally {
    await client.end();
  }
}
