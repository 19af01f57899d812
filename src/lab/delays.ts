/** How long something takes out there: a range in seconds, and where the range is from. */
export type Delay = { seconds: readonly [shortest: number, longest: number]; source: string };

/** The delays of the real services. A lab draws from these and scales nothing but its clock. */
const delays = {
  "rds promotion is taken up": {
    seconds: [2, 10],
    source: "RDS API: the replica is still available when PromoteReadReplica returns, so a plain waiter ends too early",
  },
  "rds replication stops": {
    seconds: [45, 120],
    source: "RDS user guide, promoting a read replica: several minutes or longer in all, by size; this is a small one",
  },
  "rds reboots": { seconds: [20, 60], source: "RDS user guide: the instance is rebooted before it is available" },
  "rds backs up": {
    seconds: [60, 180],
    source: "RDS API: the backup's duration is a function of what changed since the previous one; backups were on",
  },
  "aurora verifies the clusters": {
    seconds: [2, 10],
    source: "RDS API, FailoverState: pending while the primary and the chosen secondary are verified",
  },
  "aurora changes roles": {
    seconds: [20, 60],
    source: "Aurora user guide: with a global database the recovery time can be in the order of minutes",
  },
  "aurora rebuilds a secondary": {
    seconds: [120, 300],
    source: "Aurora user guide: a few minutes to several hours, by the size of the volume; this is a small one",
  },
  "route53 change spreads": {
    seconds: [20, 60],
    source: "Route 53 API reference: changes generally propagate to all name servers within 60 seconds",
  },
  "kubernetes controller sees a change": {
    seconds: [0.2, 1],
    source: "the Kubernetes fact sheet: observedGeneration was still the old one right after a patch",
  },
  "kubernetes pod starts": {
    seconds: [5, 20],
    source: "schedule, pull and start of a container whose image is on the node or near it",
  },
  "kubernetes pod stops": {
    seconds: [1, 5],
    source: "SIGTERM handled well within the default grace period of 30 seconds",
  },
} as const satisfies Record<string, Delay>;

export type DelayName = keyof typeof delays;

/** Draws how many seconds something takes this time. */
export function drawDelay(name: DelayName, random: () => number): number {
  const [shortest, longest] = delays[name].seconds;
  return shortest + (longest - shortest) * random();
}

/** How much a service takes at once, and where that is from. */
export type Quota = { most: number; source: string };

/** The quotas of the real services that a move of many services meets. A lab holds to them. */
export const quotas = {
  "route53 requests a second": {
    most: 5,
    source: "Route 53 developer guide, quotas: five API requests a second of an account, whatever they are",
  },
  "route53 elements a batch": {
    most: 1000,
    source:
      "Route 53 developer guide, quotas of ChangeResourceRecordSets: 1,000 ResourceRecord elements, an UPSERT two",
  },
  "route53 records a page": {
    most: 300,
    source: "Route 53 API reference, ListResourceRecordSets: at most 300 record sets a page",
  },
} as const satisfies Record<string, Quota>;

/** What a delay takes in the middle of its range, in seconds. */
export const middleOf = (name: DelayName): number => drawDelay(name, () => 0.5);
