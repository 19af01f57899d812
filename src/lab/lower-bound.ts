import { middleOf, quotas } from "./delays.ts";

/** A planned move of many services that stand in one zone, by its waves. */
export type BigMove = {
  /** How many services go in each, and how many of these bring a database along. */
  waves: readonly { services: number; databases: number }[];
  stabilitySeconds: number;
};

export type Bound = {
  seconds: number;
  /** The same, part by part, for all waves together. */
  parts: Record<string, number>;
};

/**
 * The shortest time, in seconds, in which a planned move can be over, by the checked-in table of delays and quotas alone. The
 * waves go one after the other. Counted in each:
 *
 * - with a database among them: its old pods end, then the promotion is taken up, replication stops, the instance reboots.
 *   Without: pods start, which otherwise goes on meanwhile. The longer of the two counts once, since services go side by side.
 * - Route 53's requests: one list of the zone, page by page, because a change must name what it replaces, and the batches of
 *   changes; as many at once as the quota has in a second, and the others at its pace.
 * - the change spreads to all name servers.
 *
 * And after the last wave, its stability window. Every delay counts with the middle of its range: the run is played so.
 *
 * Not counted, and therefore all in what Muster takes more: the TTL for which resolvers keep the answer they had, because one
 * that was asked long ago, or never, has the new answer at once; its own work; the second look at everything between approval and
 * start; the pace below the quota that it keeps; the list that shows a change has arrived; waiting for company; the time
 * until what is so is seen (polls, health checks of pods and edges); restarts of the lab's Postgres. Backups after a
 * promotion are no part of it: the database takes writes meanwhile.
 */
export function lowerBound({ waves, stabilitySeconds }: BigMove): Bound {
  const services = waves.reduce((sum, wave) => sum + wave.services, 0);
  const sum = (of: (wave: BigMove["waves"][number]) => number) => waves.reduce((total, wave) => total + of(wave), 0);
  const parts = {
    serving: sum(({ databases }) => (databases > 0 ? Math.max(promotion(), start()) : start())),
    requests: sum((wave) => requests(wave.services, services)),
    spreading: sum(() => middleOf("route53 change spreads")),
    stability: stabilitySeconds,
  };
  return { seconds: Object.values(parts).reduce((total, seconds) => total + seconds, 0), parts };
}

const start = (): number => middleOf("kubernetes controller sees a change") + middleOf("kubernetes pod starts");

const promotion = (): number =>
  middleOf("kubernetes controller sees a change") +
  middleOf("kubernetes pod stops") +
  middleOf("rds promotion is taken up") +
  middleOf("rds replication stops") +
  middleOf("rds reboots");

/** Two records a service; each is deleted and created, which is two elements. */
const recordsOfService = 2;
const elementsOfService = 2 * recordsOfService;

function requests(moving: number, services: number): number {
  const [perSecond, elements, page] = [
    quotas["route53 requests a second"].most,
    quotas["route53 elements a batch"].most,
    quotas["route53 records a page"].most,
  ];
  const pages = Math.ceil((services * recordsOfService) / page);
  const batches = Math.ceil((moving * elementsOfService) / elements);
  return Math.max(0, pages + batches - perSecond) / perSecond;
}
