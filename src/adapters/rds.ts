import { DescribeDBInstancesCommand, PromoteReadReplicaCommand } from "@aws-sdk/client-rds";
import type { DBInstance, RDSClient, Tag } from "@aws-sdk/client-rds";
import { call, type CallContext, type CallOptions } from "../call.ts";
import { explainDenied } from "./aws-errors.ts";

export { isThrottled } from "./aws-errors.ts";

/** A database instance as RDS tells it. */
export type Instance = {
  id: string;
  arn: string;
  region: string;
  /** "available", "modifying", "backing-up"...: a set without a promised order. */
  status: string;
  endpoint?: { host: string; port: number };
  /** What it replicates: an identifier, or an ARN across regions. Absent on a writer. */
  sourceId?: string;
  /** "replicating", "error", "stopped", "terminated"; absent on a writer. */
  replication?: string;
  backupRetentionDays: number;
  /** "hh:mm-hh:mm", UTC, every day. */
  backupWindow: string;
  engine: string;
  engineVersion: string;
  instanceClass: string;
  multiAz: boolean;
  /** At least one backup is complete. */
  hasBackup: boolean;
  /** Whether it has the tag that deploy/iam/act.json asks of what Muster may promote; absent where RDS tells of no tags. */
  tagged?: boolean;
};

/** Looks at one instance; undefined when RDS has none of that name in the client's region. */
export async function getInstance(
  ctx: CallContext,
  rds: RDSClient,
  id: string,
  options?: CallOptions,
): Promise<Instance | undefined> {
  try {
    const found = await call(
      ctx,
      "rds.DescribeDBInstances",
      (abortSignal) => rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }), { abortSignal }),
      { ...options, target: await targetOf(rds) },
    );
    const instance = found.DBInstances?.[0];
    return instance && describe(instance);
  } catch (error) {
    if (hasCode(error, "DBInstanceNotFound")) return undefined;
    throw explainDenied(error, `look at the instance ${id}`, "rds:DescribeDBInstances");
  }
}

/**
 * Starts the promotion of a read replica: replication stops, the instance restarts, then it takes writes; minutes, or
 * longer. There is no way back. Backups are off on a replica, and off afterwards unless the retention (days, 1 to 35)
 * is given; without backups no replica can be made of it.
 *
 * @throws InvalidDBInstanceState (see `isInvalidState`) when it is no replica any more, or busy: look again and decide.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_PromoteReadReplica.html
 */
export async function promoteReplica(
  ctx: CallContext,
  rds: RDSClient,
  id: string,
  { backupRetentionDays }: { backupRetentionDays: number },
  options?: CallOptions,
): Promise<void> {
  const command = new PromoteReadReplicaCommand({
    DBInstanceIdentifier: id,
    BackupRetentionPeriod: backupRetentionDays,
  });
  try {
    const asked = { ...options, target: await targetOf(rds) };
    await call(ctx, "rds.PromoteReadReplica", (abortSignal) => rds.send(command, { abortSignal }), asked);
  } catch (error) {
    throw explainDenied(error, `promote ${id}`, "rds:PromoteReadReplica");
  }
}

/** Tells whether RDS refused because of the state the instance is in. Nothing was changed. */
export function isInvalidState(error: unknown): boolean {
  return hasCode(error, "InvalidDBInstanceState");
}

// A region's control plane fails by itself.
export const targetOf = async (rds: RDSClient): Promise<string> => `rds ${await rds.config.region()}`;

// The wire says "X", the SDK's classes say "XFault".
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && (error.name === code || error.name === `${code}Fault`);
}

function describe(instance: DBInstance): Instance {
  const arn = instance.DBInstanceArn ?? "";
  const sourceId = instance.ReadReplicaSourceDBInstanceIdentifier;
  const replication = instance.StatusInfos?.find((info) => info.StatusType === "read replication")?.Status;
  const { Address: host, Port: port } = instance.Endpoint ?? {};
  return {
    id: instance.DBInstanceIdentifier ?? "",
    arn,
    region: arn.split(":")[3] ?? "",
    status: instance.DBInstanceStatus ?? "",
    ...(host && port ? { endpoint: { host, port } } : {}),
    ...(sourceId ? { sourceId } : {}),
    ...(replication ? { replication } : {}),
    backupRetentionDays: instance.BackupRetentionPeriod ?? 0,
    backupWindow: instance.PreferredBackupWindow ?? "",
    engine: instance.Engine ?? "",
    engineVersion: instance.EngineVersion ?? "",
    instanceClass: instance.DBInstanceClass ?? "",
    multiAz: instance.MultiAZ ?? false,
    hasBackup: instance.LatestRestorableTime !== undefined,
    ...(instance.TagList ? { tagged: hasTag(instance.TagList) } : {}),
  };
}

/** Tells whether the tag is there that the policies in deploy/iam ask for. */
export const hasTag = (tags: readonly Tag[]): boolean =>
  tags.some(({ Key, Value }) => Key === "dr-managed" && Value === "true");
