import type { Addresses } from "./address.ts";
import type { Dns } from "./dns.ts";
import type { ZoneRecord } from "./dns-answers.ts";
import { databaseHostOf, east, frontDoorOf, recordOf, west, zone } from "./estate.ts";
import type { ServiceWish } from "./services.ts";
import type { LabService } from "./world.ts";

/** Host numbers of the two regions: their front doors, and their clusters with the pods. */
export const regionHosts = { [east]: { edge: 11, cluster: 12 }, [west]: { edge: 21, cluster: 22 } } as const;

/** The zone's records at first: a weighted pair a service, all in the east, and the front doors' own names. */
export function firstRecords({ host }: Addresses, services: readonly ServiceWish[]): ZoneRecord[] {
  const plain = (name: string, number: number) => ({ name, type: "A", ttl: 60, values: [host(number)] });
  const weighted = (name: string, region: typeof east | typeof west, weight: number) => ({
    ...plain(name, regionHosts[region].edge),
    setIdentifier: region,
    weight,
  });
  return [
    ...services.flatMap(({ name }) => [weighted(recordOf(name), east, 100), weighted(recordOf(name), west, 0)]),
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
