import type { Clock } from "../clock.ts";
import { History } from "./history.ts";
import { AwsRefusal, xmlList, type Xml } from "./aws-wire.ts";

/** The real server behind an instance. */
export type RdsMachine = {
  promote(): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Whether it receives changes from its source at this moment. */
  streams(): Promise<boolean>;
};

export type InstanceOptions = {
  id: string;
  region: string;
  machine: RdsMachine;
  /** The endpoint's host name. */
  host: string;
  /** The instance that this one is a replica of; left out on a writer. */
  source?: { id: string; region: string };
  engineVersion?: string;
};

/** What changes in an instance's life, as DescribeDBInstances shows it. */
type State = {
  status: string;
  /** Set on replicas only, as an identifier, or an ARN when the source is in another region. */
  source: string | undefined;
  replicas: readonly string[];
  backupDays: number;
  backupWindow: string;
  tags: Readonly<Record<string, string>>;
};

const account = "123456789012";

/** Makes the ARN of an instance. */
export function arnOf({ id, region }: { id: string; region: string }): string {
  return `arn:aws:rds:${region}:${account}:db:${id}`;
}

/** One DB instance: what it is now, and what it was, because reads of RDS may lag. */
export class Instance {
  readonly options: InstanceOptions;
  /** From the accepted request to the end of the promotion; true before the status shows it. */
  promoting = false;
  readonly #clock: Clock;
  readonly #createdAt: Date;
  readonly #history: History<State>;

  constructor(options: InstanceOptions, replicas: readonly string[], clock: Clock) {
    this.options = options;
    this.#clock = clock;
    this.#createdAt = new Date(clock.now().getTime() - 90 * 86_400_000);
    const { source, region } = options;
    const sourceName = source && (source.region === region ? source.id : arnOf(source));
    // Replicas are made with backups off; these had theirs switched on, as the user guide advises before a promotion.
    const backups = { backupDays: 7, backupWindow: "03:00-03:30" };
    const tags = { "dr-managed": "true" };
    this.#history = new History(clock, { status: "available", source: sourceName, replicas, tags, ...backups });
  }

  /** What is true now. */
  get state(): State {
    return this.#history.now;
  }

  change(change: Partial<State>): void {
    this.#history.write({ ...this.state, ...change });
  }

  /** Refuses what RDS refuses: to promote what is no replica, or busy; changes of its storage go on in the background. */
  checkPromotable(): void {
    const { status, source } = this.state;
    const { id } = this.options;
    const isFit = status === "available" || status === "storage-optimization";
    if (!isFit || this.promoting) {
      const shown = isFit ? "modifying" : status;
      throw new AwsRefusal("InvalidDBInstanceState", `DB instance ${id} is not in available state; it is ${shown}.`);
    }
    if (!source) throw new AwsRefusal("InvalidDBInstanceState", `DB instance ${id} is not a read replica.`);
  }

  /** Shows the instance as it was so many seconds ago. */
  async describe(lagSeconds = 0): Promise<Xml> {
    const { id, region, host, machine, engineVersion = "15.18" } = this.options;
    const now = this.#clock.now().getTime();
    const state = this.#history.read(lagSeconds);
    const arn = arnOf(this.options);
    return {
      DBInstanceIdentifier: id,
      DBInstanceClass: "db.r6g.large",
      Engine: "postgres",
      EngineVersion: engineVersion,
      DBInstanceStatus: state.status,
      MasterUsername: "postgres",
      DBName: "shop",
      Endpoint: { Address: host, Port: 5432, HostedZoneId: "Z2R2ITUGPM61AM" },
      AllocatedStorage: 100,
      InstanceCreateTime: this.#createdAt,
      PreferredBackupWindow: state.backupWindow,
      BackupRetentionPeriod: state.backupDays,
      DBSecurityGroups: xmlList("DBSecurityGroup", []),
      VpcSecurityGroups: xmlList("VpcSecurityGroupMembership", [
        { VpcSecurityGroupId: "sg-0a1b2c3d4e5f60718", Status: "active" },
      ]),
      AvailabilityZone: `${region}a`,
      PreferredMaintenanceWindow: "sun:05:00-sun:05:30",
      PendingModifiedValues: {},
      // RDS uploads transaction logs every five minutes.
      LatestRestorableTime: state.backupDays > 0 ? new Date(Math.floor(now / 300_000) * 300_000) : undefined,
      // A promotion leaves this as it is: what was made as a replica in one zone stays in one zone.
      MultiAZ: this.options.source === undefined,
      AutoMinorVersionUpgrade: false,
      ReadReplicaSourceDBInstanceIdentifier: state.source,
      ReadReplicaDBInstanceIdentifiers: xmlList("ReadReplicaDBInstanceIdentifier", state.replicas),
      LicenseModel: "postgresql-license",
      PubliclyAccessible: false,
      StatusInfos: xmlList("DBInstanceStatusInfo", state.source ? [replication(await machine.streams())] : []),
      StorageType: "gp3",
      StorageEncrypted: true,
      DbiResourceId: `db-${id.toUpperCase().replaceAll("-", "")}`,
      CACertificateIdentifier: "rds-ca-rsa2048-g1",
      CopyTagsToSnapshot: true,
      MonitoringInterval: 0,
      DBInstanceArn: arn,
      IAMDatabaseAuthenticationEnabled: false,
      DeletionProtection: true,
      TagList: xmlList(
        "Tag",
        Object.entries(state.tags).map(([Key, Value]) => ({ Key, Value })),
      ),
    };
  }
}

function replication(streams: boolean): Xml {
  const Status = streams ? "replicating" : "error";
  const Message = streams ? undefined : "Streaming replication has stopped: could not connect to the source.";
  return { StatusType: "read replication", Normal: streams, Status, Message };
}
