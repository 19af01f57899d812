import type { Addresses } from "./address.ts";
import type { Dns } from "./dns.ts";
import { fullName, type ZoneRecord } from "./dns-answers.ts";
import { databaseHostOf, east, frontDoorOf, recordOf, recordTtl, west, zone } from "./estate.ts";
import type { ServiceWish } from "./services.ts";
import type { LabService } from "./world.ts";

/** Host numbers of the two regions: their front doors, and their clusters with the pods. */
export const regionHosts = { [east]: { edge: 11, cluster: 12 }, [west]: { edge: 21, cluster: 22 } } as const;

/**
 * The zone's records at first: a weighted pair a service, all in the east, and the front doors' own names, to which a service's
 * records are aliases where it wishes so.
 */
export function firstRecords({ host }: Addresses, services: readonly ServiceWish[]): ZoneRecord[] {
  const plain = (name: string, number: number) => ({ name, type: "A", ttl: recordTtl, values: [host(number)] });
  const alias = (name: string, region: typeof east | typeof west) => {
    const target = { zone: zone.id, name: fullName(frontDoorOf(region)), evaluateTargetHealth: false };
    return { name, type: "A", ttl: 0, values: [], alias: target };
  };
  const weighted = ({ name, aliases }: ServiceWish, region: typeof east | typeof west, weight: number) => ({
    ...(aliases ? alias(recordOf(name), region) : plain(recordOf(name), regionHosts[region].edge)),
    setIdentifier: region,
    weight,
  });
  return [
    ...services.flatMap((wish) => [weighted(wish, east, 100), weighted(wish, west, 0)]),
    ...([east, west] as const).map((region) => plain(frontDoorOf(region), regionHosts[region].edge)),
  ];
}

/** Gives addresses to the names outside the zone: the name server's own, and those of the databases. */
export function setNames(dns: Dns, { host }: Addresses, services: readonly LabService[]): void {
  dns.setName(zone.nameServer, host(2));
  for (const { pair, ...service } of services) {
    if (!pair) continue;
    // Those of Aurora follow its roles.
    if (service.driver === "aurora-postgres") continue;
    dns.setName(databaseHostOf(east, service), pair.primary.front.listen.host);
    dns.setName(databaseHostOf(west, service), pair.replica.front.listen.host);
  }
}
