import type { Addresses } from "./address.ts";
import type { Dns } from "./dns.ts";
import type { ZoneRecord } from "./dns-answers.ts";
import { east, endpointOf, frontDoorOf, recordOf, west, zone } from "./estate.ts";
import type { Pair } from "./postgres-pair.ts";
import type { ServiceWish } from "./services.ts";

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
export function setNames(dns: Dns, { host }: Addresses, pairs: ReadonlyMap<string, Pair>): void {
  dns.setName(zone.nameServer, host(2));
  for (const [service, { primary, replica }] of pairs) {
    dns.setName(endpointOf(east, service), primary.front.listen.host);
    dns.setName(endpointOf(west, service), replica.front.listen.host);
  }
}
