import { readFile } from "node:fs/promises";
import type { Clock } from "../clock.ts";
import type { Addresses } from "./address.ts";
import type { Closing } from "./closing.ts";
import { east, endpointOf, instancesOf, roleSettingOf, west } from "./estate.ts";
import { promoteGrant } from "../adapters/postgres-standby.ts";
import { ask, machineOf, openPair, type Pair, type PairOptions } from "./postgres-pair.ts";
import type { InstanceOptions } from "./rds-instance.ts";
import { makeAurora } from "./world-aurora.ts";
import { checkout, type ServiceWish } from "./services.ts";
import { app, asAdministrator, muster } from "./shop.ts";
import type { LabService } from "./world.ts";

/** How long a replica keeps up a line on which nothing comes: wal_receiver_timeout on RDS. In seconds. */
const receiverTimeoutSeconds = 30;

/** Opens a Postgres pair for every service that keeps data, by the services' names; the writers are in the east. */
export async function openPairs(
  addresses: Addresses,
  services: readonly ServiceWish[],
  closing: Closing,
): Promise<Map<string, Pair>> {
  const guard = await readFile(new URL("../adapters/guard.sql", import.meta.url), "utf8");
  const seed = asAdministrator(guard);
  const withData = services.filter(({ database }) => database);
  const inOrder = withData.toSorted(
    (one, other) => Number(other.name === checkout.name) - Number(one.name === checkout.name),
  );
  const pairs = inOrder.map(async ({ name, driver }, index): Promise<[string, Pair]> => {
    const options: PairOptions = { addresses, regions: [east, west], seed, ...hostsOfPair(index) };
    const pair = await closing.opened(openPair(options));
    // As docs/estate.md asks of whoever manages the servers.
    if (driver === "aurora-postgres") await makeAurora(pair);
    if (driver === "postgres") await ask(pair.primary.server, promoteGrant(muster.user));
    return [name, pair];
  });
  return new Map(await Promise.all(pairs));
}

/** Hosts of a lab on which nobody but databases lives. */
const databaseHosts = [...numbers(131, 250), ...numbers(50, 109)];

/** Where a pair lives: the first where it always did, each further one on five hosts of its own. */
function hostsOfPair(index: number): Pick<PairOptions, "hosts"> {
  if (index === 0) return {};
  const [front = 0, frontWest = 0, server = 0, serverWest = 0, link] = databaseHosts.slice(5 * (index - 1), 5 * index);
  if (link === undefined) {
    throw new Error(`The lab was not opened: it has room for ${1 + databaseHosts.length / 5} databases.`);
  }
  return { hosts: { fronts: [front, frontWest], servers: [server, serverWest], link } };
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** The instances that RDS shows for the pairs it manages: the east's, and the west's as their replicas. */
export function instancesFor(services: readonly LabService[]): InstanceOptions[] {
  return services.flatMap(({ name: service, driver, pair }) => {
    if (!pair || (driver ?? "rds-postgres") !== "rds-postgres") return [];
    const { primary, replica } = pair;
    const id = instancesOf(service);
    const writer = { id: id[east], region: east };
    return [
      { ...writer, host: endpointOf(east, service), machine: machineOf(primary) },
      {
        id: id[west],
        region: west,
        host: endpointOf(west, service),
        machine: machineOf(replica),
        source: writer,
      },
    ];
  });
}

/** The settings that hold the roles which the services' programs log in with: one role, the same in every database. */
export function roleSettings(services: readonly ServiceWish[]): Record<string, string> {
  const url = `postgres://${app.user}:${app.password}@unused.lab/${app.database}?sslmode=disable`;
  return Object.fromEntries(services.filter(({ database }) => database).map(({ name }) => [roleSettingOf(name), url]));
}

/**
 * Kills what the pairs have in a region, or revives it. A replica whose source is silent notices on the lab's clock, not
 * after its own timeout on the wall; `signal` ends that wait when the lab closes.
 */
export async function setPairsDead(
  pairs: readonly Pair[],
  { region, isDead, clock, signal }: { region: string; isDead: () => boolean; clock: Clock; signal: AbortSignal },
): Promise<void> {
  await Promise.all(pairs.map((pair) => pair.setRegion(region, isDead() ? "silent" : "open")));
  if (!isDead()) return;
  const noticed = clock.sleep(receiverTimeoutSeconds, signal).then(async () => {
    if (isDead()) await Promise.all(pairs.map((pair) => pair.link.setMode("refuses")));
  });
  void noticed.catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
