import {
  DescribeDBClusterEndpointsCommand,
  DescribeDBClustersCommand,
  DescribeGlobalClustersCommand,
  FailoverGlobalClusterCommand,
  SwitchoverGlobalClusterCommand,
} from "@aws-sdk/client-rds";
import type { RDSClient } from "@aws-sdk/client-rds";
import { call, type CallContext, type CallOptions } from "../call.ts";
import { explainDenied } from "./aws-errors.ts";
import { hasCode, hasTag, targetOf } from "./rds.ts";

/** A global cluster of Aurora as RDS tells it, asked in any region of its members. */
export type GlobalCluster = {
  id: string;
  /** "available", "switching-over", "failing-over"...: a set without a promised order. */
  status: string;
  members: { arn: string; isWriter: boolean; /** "connected" or "pending-resync". */ synchronization?: string }[];
  /** A change of roles that is under way. */
  moving?: { status: string; toArn: string };
  /** Whether it has the tag that deploy/iam/aurora.json asks for; absent where RDS tells of no tags. */
  tagged?: boolean;
};

/** One cluster of Aurora. Its writer endpoint answers nobody while it is a secondary of a global cluster. */
export type Cluster = {
  id: string;
  arn: string;
  region: string;
  status: string;
  endpoint?: { host: string; port: number };
  readEndpoint?: { host: string; port: number };
  engineVersion: string;
  backupRetentionDays: number;
  /** As of its global cluster. */
  tagged?: boolean;
};

/** Looks at one global cluster; undefined when the client's region knows none of that name. */
export async function getGlobalCluster(
  ctx: CallContext,
  rds: RDSClient,
  id: string,
  options?: CallOptions,
): Promise<GlobalCluster | undefined> {
  const command = new DescribeGlobalClustersCommand({ GlobalClusterIdentifier: id });
  try {
    const asked = { ...options, target: await targetOf(rds) };
    const found = await call(
      ctx,
      "rds.DescribeGlobalClusters",
      (abortSignal) => rds.send(command, { abortSignal }),
      asked,
    );
    const [one] = found.GlobalClusters ?? [];
    if (!one) return undefined;
    const { Status: status, ToDbClusterArn: toArn } = one.FailoverState ?? {};
    return {
      id: one.GlobalClusterIdentifier ?? "",
      status: one.Status ?? "",
      members: (one.GlobalClusterMembers ?? []).map((member) => ({
        arn: member.DBClusterArn ?? "",
        isWriter: member.IsWriter ?? false,
        ...(member.SynchronizationStatus ? { synchronization: member.SynchronizationStatus } : {}),
      })),
      ...(status ? { moving: { status, toArn: toArn ?? "" } } : {}),
      ...(one.TagList ? { tagged: hasTag(one.TagList) } : {}),
    };
  } catch (error) {
    if (hasCode(error, "GlobalClusterNotFound")) return undefined;
    throw explainDenied(error, `look at the global cluster ${id}`, "rds:DescribeGlobalClusters");
  }
}

/**
 * Looks at one cluster; undefined when RDS has none of that name in the client's region. RDS may leave out the writer endpoint of
 * a secondary, which answers nobody yet; its list of endpoints is asked then.
 */
export async function getCluster(
  ctx: CallContext,
  rds: RDSClient,
  id: string,
  options?: CallOptions,
): Promise<Cluster | undefined> {
  const command = new DescribeDBClustersCommand({ DBClusterIdentifier: id });
  try {
    const asked = { ...options, target: await targetOf(rds) };
    const found = await call(ctx, "rds.DescribeDBClusters", (abortSignal) => rds.send(command, { abortSignal }), asked);
    const [one] = found.DBClusters ?? [];
    if (!one) return undefined;
    const { DBClusterArn: arn = "", ReaderEndpoint: readHost, Port: port = 5432 } = one;
    const host = one.Endpoint ?? (await findWriterHost(ctx, rds, id, options));
    return {
      id: one.DBClusterIdentifier ?? "",
      arn,
      region: arn.split(":")[3] ?? "",
      status: one.Status ?? "",
      ...(host ? { endpoint: { host, port } } : {}),
      ...(readHost ? { readEndpoint: { host: readHost, port } } : {}),
      engineVersion: one.EngineVersion ?? "",
      backupRetentionDays: one.BackupRetentionPeriod ?? 0,
      ...(one.TagList ? { tagged: hasTag(one.TagList) } : {}),
    };
  } catch (error) {
    if (hasCode(error, "DBClusterNotFound")) return undefined;
    throw explainDenied(error, `look at the cluster ${id}`, "rds:DescribeDBClusters");
  }
}

/**
 * Finds the host of a cluster's writer endpoint, in whatever state: "inactive" is that of a secondary's. Undefined where none is
 * listed. A cluster has one of these, one for readers and at most five others, so that they fit on a page.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBClusterEndpoint.html
 */
async function findWriterHost(
  ctx: CallContext,
  rds: RDSClient,
  id: string,
  options?: CallOptions,
): Promise<string | undefined> {
  const command = new DescribeDBClusterEndpointsCommand({ DBClusterIdentifier: id });
  const asked = { ...options, target: await targetOf(rds) };
  const send = (abortSignal: AbortSignal) => rds.send(command, { abortSignal });
  const found = await call(ctx, "rds.DescribeDBClusterEndpoints", send, asked).catch((error: unknown) => {
    throw explainDenied(error, `look at the endpoints of the cluster ${id}`, "rds:DescribeDBClusterEndpoints");
  });
  return found.DBClusterEndpoints?.find(({ EndpointType }) => EndpointType === "WRITER")?.Endpoint;
}

/** "switchover" waits until nothing can be lost and needs both sides; "failover" takes what has arrived. */
export type RoleChange = "switchover" | "failover";

/** The right that a change of roles needs. */
export const rightOf = (change: RoleChange): string =>
  change === "switchover" ? "rds:SwitchoverGlobalCluster" : "rds:FailoverGlobalCluster";

/**
 * Starts the change that makes one secondary the primary of its global cluster, by its ARN; minutes. It is taken back only
 * by another change. A switchover is asked for in the primary's region, a failover in the secondary's.
 *
 * @throws what `isInvalidGlobalState` knows while a change is under way, for a target that is the primary already, and for a
 * switchover of clusters that are not in step: look again and decide.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_SwitchoverGlobalCluster.html
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_FailoverGlobalCluster.html
 */
export async function changeRoles(
  ctx: CallContext,
  rds: RDSClient,
  { change, global, targetArn }: { change: RoleChange; global: string; targetArn: string },
  options?: CallOptions,
): Promise<void> {
  const named = { GlobalClusterIdentifier: global, TargetDbClusterIdentifier: targetArn };
  const asked = { ...options, target: await targetOf(rds) };
  try {
    if (change === "switchover") {
      const command = new SwitchoverGlobalClusterCommand(named);
      await call(ctx, "rds.SwitchoverGlobalCluster", (abortSignal) => rds.send(command, { abortSignal }), asked);
      return;
    }
    const command = new FailoverGlobalClusterCommand({ ...named, AllowDataLoss: true });
    await call(ctx, "rds.FailoverGlobalCluster", (abortSignal) => rds.send(command, { abortSignal }), asked);
  } catch (error) {
    throw explainDenied(error, `make ${targetArn} the primary of ${global}`, rightOf(change));
  }
}

/** Tells whether RDS refused because of the state that clusters are in. Nothing was changed. */
export const isInvalidGlobalState = (error: unknown): boolean =>
  hasCode(error, "InvalidGlobalClusterState") || hasCode(error, "InvalidDBClusterState");
