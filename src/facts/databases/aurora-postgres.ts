import {
  getCluster,
  getGlobalCluster,
  rightOf,
  type GlobalCluster,
  type RoleChange,
} from "../../adapters/rds-global.ts";
import { use } from "../../engine/plan.ts";
import { unknown } from "../../engine/step.ts";
import type { Database } from "../../estate.ts";
import { switchGlobalCluster } from "../../steps/switch-global-cluster.ts";
import type { Mode } from "../../steps/targets.ts";
import { seen, whyUnseen } from "../fact.ts";
import type { FactsWithDatabase } from "../failover.ts";
import { recallInstance, rememberInstance } from "../replica.ts";
import type { Side } from "../targets.ts";
import type { DatabaseDriver, DatabaseServer } from "./driver.ts";

type Settings = Extract<Database, { driver: "aurora-postgres" }>;
type Seen = DatabaseServer & Required<Pick<DatabaseServer, "aurora" | "arn" | "status">>;

/** Facts of this driver were told by RDS, whole. */
const clusterOf = ({ to }: FactsWithDatabase): Seen | undefined => seen(to.instance) as Seen | undefined;

/** With the old side alive nothing need be lost; without it, only what has arrived can be had. */
const changeFor = (mode: Mode): RoleChange => (mode === "graceful" ? "switchover" : "failover");

/** Changes the roles in a global cluster of Aurora, by RDS. */
export const auroraPostgres: DatabaseDriver<Settings> = {
  name: "aurora-postgres",
  selfManaged: false,

  sides: ({ driver, global, writer, replica }) => [
    sideOf({ driver, global }, writer),
    sideOf({ driver, global }, replica),
  ],

  manager: ({ region }) => `RDS in ${region}`,

  async find(ctx, { region, instance: id, global = "" }) {
    const rds = ctx.clients.rds(region);
    const [cluster, whole] = await Promise.all([getCluster(ctx, rds, id), getGlobalCluster(ctx, rds, global)]);
    if (!cluster) return unknown(`RDS in ${region} has no cluster ${id}`);
    if (!whole) return unknown(`RDS in ${region} has no global cluster ${global}`);
    const member = whole.members.find(({ arn }) => arn === cluster.arn);
    if (!member) return unknown(`${id} in ${region} is no member of the global cluster ${global}`);
    return { ...cluster, aurora: { global: whole, isWriter: member.isWriter } };
  },

  remember: rememberInstance,
  recall: recallInstance,

  follows(facts) {
    const cluster = clusterOf(facts);
    return cluster && !cluster.aurora.isWriter;
  },

  replica(facts) {
    const cluster = clusterOf(facts);
    if (!cluster) return { value: whyUnseen(facts.to.instance) ?? "not seen", tone: "bad" };
    const { aurora, id, status } = cluster;
    const parts = [
      `${id}: ${status}`,
      aurora.isWriter ? `the primary of ${aurora.global.id}` : `a secondary of ${aurora.global.id}`,
      ...(synchronizationOf(cluster) ? [`${synchronizationOf(cluster)}`] : []),
    ];
    return { value: parts.join(", "), tone: aurora.isWriter || status !== "available" ? "bad" : "good" };
  },

  promotion(facts, mode) {
    const id = clusterOf(facts)?.id ?? "the secondary";
    if (mode === "graceful") {
      const value = `calls rds:SwitchoverGlobalCluster for ${id}; depends on RDS's control plane in ${facts.fromRegion}, the region being left`;
      return { value, tone: "warn" };
    }
    const value = `calls rds:FailoverGlobalCluster for ${id}, with AllowDataLoss; depends on RDS's control plane in ${facts.toRegion}`;
    return { value, tone: "warn" };
  },

  provenByUse: (mode) => [rightOf(changeFor(mode))],

  blockers({ to, from, facts }, promoted) {
    const cluster = clusterOf(facts);
    if (!cluster) return [`the database ${to.instance} cannot be seen: ${whyUnseen(facts.to.instance) ?? "no answer"}`];
    const blockers: string[] = [];
    if (!cluster.endpoint) blockers.push(`RDS gives ${to.instance} no address`);
    if (!facts.from.known?.endpoint)
      blockers.push(`nobody knows the address of ${from.instance}, so it cannot be fenced, not even later`);
    if (promoted) return blockers;
    const { global, isWriter } = cluster.aurora;
    if (isWriter) {
      return [
        ...blockers,
        `${to.instance} is the primary of ${global.id} already, and Muster did not make it so: nothing is left to be promoted`,
      ];
    }
    const stranger = primaryBeside(global, [from, to]);
    if (stranger !== undefined) {
      blockers.push(
        `the primary of ${global.id} is ${stranger}, not ${from.instance}: what is written there would not be fenced`,
      );
    }
    if (global.moving) blockers.push(`${global.id} is "${global.moving.status}": its roles are being changed already`);
    else if (global.status !== "available")
      blockers.push(`${global.id} is "${global.status}"; RDS does not change its roles like that`);
    if (cluster.status !== "available")
      blockers.push(`${to.instance} is "${cluster.status}"; RDS does not promote it like that`);
    return blockers;
  },

  warnings({ to, facts }) {
    const cluster = clusterOf(facts);
    if (!cluster || cluster.aurora.isWriter) return [];
    const untagged = untaggedOf(cluster, cluster.aurora.global);
    return [
      ...(synchronizationOf(cluster) === "pending-resync"
        ? [`${to.instance} is out of step with its primary (pending-resync); RDS may refuse to change the roles.`]
        : []),
      ...(untagged.length > 0
        ? [
            `No tag dr-managed=true is on ${untagged.join(" and ")}: with deploy/iam/aurora.json AWS refuses the change of roles, which comes after the fence.`,
          ]
        : []),
    ];
  },

  claim(facts) {
    const follows = clusterOf(facts)?.aurora.isWriter === false;
    return { follows, value: { isSecondary: follows } };
  },

  contradiction(value, facts) {
    const { isSecondary } = value as { isSecondary: boolean };
    const cluster = clusterOf(facts);
    if (!cluster) return undefined;
    if (cluster.aurora.isWriter !== !isSecondary)
      return cluster.aurora.isWriter ? "it is the primary now" : "it is a secondary now";
    return undefined;
  },

  promote(facts, { service, ...servers }, { mode, after, reads }) {
    const { arn = "", aurora, readEndpoint: reader } = clusterOf(facts) ?? {};
    const change = changeFor(mode);
    const askedIn = change === "switchover" ? facts.fromRegion : facts.toRegion;
    const heard = reader ? { reader } : {};
    const input = { service, global: aurora?.global.id ?? "", ...servers, ...heard, targetArn: arn, change, askedIn };
    return use(switchGlobalCluster, service, input, { after: [after], reads });
  },
};

/** What lacks the tag that the policy asks for, of a cluster and its global cluster. */
export const untaggedOf = (
  { id, tagged }: Pick<DatabaseServer, "id" | "tagged">,
  global: Pick<GlobalCluster, "id" | "tagged">,
): string[] => [
  ...(tagged === false ? [`the cluster ${id}`] : []),
  ...(global.tagged === false ? [`the global cluster ${global.id}`] : []),
];

/** The ARN of a global cluster's primary, where that is none of these sides; undefined where it is one, or nobody is. */
export function primaryBeside({ members }: GlobalCluster, sides: readonly Side[]): string | undefined {
  const isOne = (arn: string) =>
    sides.some(
      ({ region, instance }) => arn.includes(`:rds:${region}:`) && arn.endsWith(`:cluster:${instance.toLowerCase()}`),
    );
  return members.find(({ arn, isWriter }) => isWriter && !isOne(arn))?.arn;
}

const sideOf = (
  of: { driver: "aurora-postgres"; global: string },
  { region, cluster, appRole }: Settings["writer"],
): Side => ({ ...of, region, instance: cluster, appRole });

const synchronizationOf = ({ arn, aurora }: Seen): string | undefined =>
  aurora.global.members.find((member) => member.arn === arn)?.synchronization;
