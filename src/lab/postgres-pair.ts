import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { ports, type Addresses } from "./address.ts";
import { openServerFolder } from "./postgres-folder.ts";
import { openPostgres, requirePostgres, type PostgresServer } from "./postgres.ts";
import { copyFrom } from "./postgres-copy.ts";
import { copyTemplate } from "./postgres-template.ts";
import { openProxy, type Proxy, type ProxyMode } from "./proxy.ts";
import type { RdsMachine } from "./rds-instance.ts";
import { replicator, shopRecipe } from "./shop.ts";

/** One server of a pair, and the address that the world knows it by. */
export type PairSide = {
  region: string;
  /** The real server; the lab looks here when the region is dead to everybody else. */
  server: PostgresServer;
  /** What the instance's name resolves to. */
  front: Proxy;
};

/** Two Postgres servers with streaming replication, as an RDS instance and its cross-region replica. */
export type Pair = {
  primary: PairSide;
  replica: PairSide;
  /** The line the replica streams through. Cut it with `setLink`. */
  link: Proxy;
  /** Kills a region's database for everybody, its twin in the other region included; its data stays. Or revives it. */
  setRegion(region: string, mode: ProxyMode): Promise<void>;
  /** Cuts the line between the regions, or mends it; with a dead region at one end it stays dead. */
  setLink(mode: ProxyMode): Promise<void>;
  close(): Promise<void>;
};

export type PairOptions = {
  addresses: Addresses;
  /** Names of the two regions; each server stamps its own on the orders it commits. */
  regions: readonly [primary: string, replica: string];
  /** Host numbers; DESIGN §6 has those of the first pair. */
  hosts?: { fronts: readonly [number, number]; servers: readonly [number, number]; link: number };
  /** Statements that database "shop" gets before it is copied, as the superuser; the same text is prepared only once. */
  seed?: string;
};

const firstPair = { fronts: [10, 20], servers: [110, 120], link: 130 } as const;

/** Starts a pair from one template, and waits until the replica streams. */
export async function openPair(options: PairOptions): Promise<Pair> {
  const { addresses, regions, hosts = firstPair, seed } = options;
  const binaries = await requirePostgres();
  const folder = await openServerFolder(binaries);
  const closing: (() => Promise<void>)[] = [() => folder.remove()];
  const close = async () => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  const startSide = async (index: 0 | 1): Promise<PairSide> => {
    const region = regions[index];
    const dataDir = join(folder.path, region);
    await appendFile(join(dataDir, "postgresql.conf"), settingsOf(region));
    const address = addresses.host(hosts.servers[index]);
    const server = await openPostgres({ binaries, address, dataDir });
    closing.push(() => server.close());
    const front = await openProxy({
      listen: { host: addresses.host(hosts.fronts[index]), port: ports.postgres },
      to: { host: address, port: ports.postgres },
    });
    closing.push(() => front.close());
    return { region, server, front };
  };
  try {
    const recipe = shopRecipe(seed);
    await copyTemplate(binaries, recipe, join(folder.path, regions[0]));
    const replicaDir = join(folder.path, regions[1]);
    await copyTemplate(binaries, recipe, replicaDir);
    const link = await openProxy({
      listen: { host: addresses.host(hosts.link), port: ports.postgres },
      to: { host: addresses.host(hosts.servers[0]), port: ports.postgres },
    });
    closing.push(() => link.close());
    const primary = await startSide(0);
    await ask(primary.server, `select pg_create_physical_replication_slot('${slot}', true)`);
    await appendFile(join(replicaDir, "postgresql.conf"), followsThrough(link, regions[1]));
    await writeFile(join(replicaDir, "standby.signal"), "");
    const replica = await startSide(1);
    await waitUntilStreaming(primary.server);
    let cut: ProxyMode = "open";
    const setLink = async (mode: ProxyMode) => {
      cut = mode;
      const modes = [cut, primary.front.mode, replica.front.mode];
      await link.setMode(modes.find((each) => each === "silent") ?? modes.find((each) => each !== "open") ?? "open");
    };
    const setRegion = async (region: string, mode: ProxyMode) => {
      const side = region === primary.region ? primary : replica;
      await side.front.setMode(mode);
      await setLink(cut);
    };
    return { primary, replica, link, setRegion, setLink, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Makes a replica a writer; returns when it takes writes. @throws when it is none. */
export async function promote(server: PostgresServer): Promise<void> {
  const [row] = await ask<{ promoted: boolean }>(server, "select pg_promote(true, 60) as promoted");
  if (!row?.promoted) throw new Error(`The server at ${server.address} did not leave recovery within 60 seconds.`);
}

/** Holds back what the replica received, as a long query on it does; or lets it go on. */
export async function pauseReplay(server: PostgresServer, paused: boolean): Promise<void> {
  await ask(server, `select pg_wal_replay_${paused ? "pause" : "resume"}()`);
}

/** Makes the replica apply every commit so many wall seconds after it was made; 0 ends it. */
export async function delayReplay(server: PostgresServer, wallSeconds: number): Promise<void> {
  await ask(server, `alter system set recovery_min_apply_delay = '${Math.round(wallSeconds * 1000)}ms'`);
  await ask(server, "select pg_reload_conf()");
}

/** Tells whether a replica receives from its source at this moment; one that cannot be asked does not. */
export async function streams(server: PostgresServer): Promise<boolean> {
  if (!server.running()) return false;
  const asked = ask(server, "select from pg_stat_wal_receiver where status = 'streaming'");
  // A frozen server answers nothing, and one that is stopping refuses: neither may hold up who describes it.
  return Promise.race([asked.then((rows) => rows.length > 0).catch(() => false), setTimeout(answerMs, false)]);
}

/** Makes what RDS does to the machine of an instance. */
export function machineOf({ server }: PairSide): RdsMachine {
  return {
    promote: () => promote(server),
    stop: () => server.stop("fast"),
    start: () => server.start(),
    streams: () => streams(server),
  };
}

/** Makes a follower of a writer that was stopped in good order: of another, which has everything that it had. */
export async function demote({ server, region }: PairSide, writer: PairSide): Promise<void> {
  await keepLog(writer);
  const { address } = writer.server;
  const follows = followsThrough({ listen: { host: address, port: ports.postgres } }, region);
  await appendFile(join(server.dataDir, "postgresql.conf"), follows);
  await writeFile(join(server.dataDir, "standby.signal"), "");
  await server.start();
}

/** Makes a server that was left behind anew as a follower of the writer: what it alone had is gone. */
export async function rebuild(side: PairSide, writer: PairSide): Promise<void> {
  await side.server.stop("immediate");
  await keepLog(writer);
  await copyFrom(writer.server, side.server, await requirePostgres());
  await appendFile(join(side.server.dataDir, "postgresql.conf"), settingsOf(side.region));
  await demote(side, writer);
}

/** Makes a writer keep its log for a follower. */
async function keepLog({ server }: PairSide): Promise<void> {
  const missing = `not exists (select from pg_replication_slots where slot_name = '${slot}')`;
  await ask(server, `select pg_create_physical_replication_slot('${slot}', true) where ${missing}`);
}

/** Asks a server something as its superuser, in database "shop". */
export const ask = <Row extends object>(server: PostgresServer, sql: string): Promise<Row[]> =>
  server.ask<Row & Record<string, unknown>>("shop", sql);

async function waitUntilStreaming(primary: PostgresServer): Promise<void> {
  const client = await primary.connect();
  try {
    for (let attempt = 0; attempt < 1000; attempt += 1) {
      const { rows } = await client.query("select from pg_stat_replication where state = 'streaming'");
      if (rows.length > 0) return;
      await setTimeout(10);
    }
  } finally {
    await client.end();
  }
  throw new Error(`No replica streams from ${primary.address}.`);
}

/** Wall milliseconds within which a server that runs answers, also on a busy machine. */
const answerMs = 2000;

/** RDS always gives a cross-region replica a slot. */
const slot = "replica";

/** A dead line is noticed after wall seconds, whatever the lab's clock does: so soon, where a real server takes 30 or 60. */
function settingsOf(region: string): string {
  return `
muster_lab.region = '${region}'
cluster_name = '${region}'
wal_sender_timeout = 3s
wal_receiver_timeout = 3s
wal_receiver_status_interval = 1s
wal_retrieve_retry_interval = 250ms
log_statement = ddl
log_timezone = 'UTC'
`;
}

function followsThrough({ listen }: Pick<Proxy, "listen">, region: string): string {
  const { user, password } = replicator;
  return `
primary_conninfo = 'host=${listen.host} port=${listen.port} user=${user} password=${password} application_name=${region}'
primary_slot_name = '${slot}'
`;
}
