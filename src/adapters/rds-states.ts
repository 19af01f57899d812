/** What a status of an RDS instance means for a promotion, and for whoever wants to be served. */
type State = {
  /** Whether RDS promotes a replica in it: now, later without anybody doing anything, or not before somebody did. */
  promotes: "yes" | "later" | "no";
  /** The server answers, and takes writes where it is a writer. */
  serves: boolean;
  /** It does not end by itself. */
  isHopeless: boolean;
};

const fit: State = { promotes: "yes", serves: true, isHopeless: false };
const busy: State = { promotes: "later", serves: false, isHopeless: false };

/**
 * A set without a promised order (AWS). Of those in which an instance works, RDS refuses a promotion in "backing-up" only;
 * "storage-optimization" may last for a day, and everything but another change of the storage can be asked for meanwhile; so may
 * "storage-initialization", while what was built of a snapshot (a new replica) loads its data.
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_PromoteReadReplica.html
 * @see https://repost.aws/knowledge-center/rds-stuck-in-storage-optimization
 */
const states: readonly [RegExp, State][] = [
  [/^(available|storage-optimization|storage-initialization)$/, fit],
  // A promoted instance is backed up at once; it takes writes meanwhile, and the backup may take hours.
  [/^backing-up$/, { ...busy, serves: true }],
  [
    /^(modifying|rebooting|renaming|maintenance|upgrading|starting|configuring-.*|moving-to-vpc|resetting-master-credentials|storage-config-upgrade)$/,
    busy,
  ],
  [
    /^(failed|incompatible-.*|inaccessible-.*|storage-full|insufficient-capacity|deleting|stopped|stopping|restore-error)$/,
    { promotes: "no", serves: false, isHopeless: true },
  ],
];

/** Tells what a status of an instance means. One that nobody has heard of: no promotion is begun in it, and one under way waits. */
export function stateOf(status: string): State {
  const known = states.find(([pattern]) => pattern.test(status))?.[1];
  return known ?? { promotes: "no", serves: false, isHopeless: false };
}
