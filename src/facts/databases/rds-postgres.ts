import { getInstance, type Instance } from "../../adapters/rds.ts";
import { stateOf } from "../../adapters/rds-states.ts";
import { use } from "../../engine/plan.ts";
import { unknown } from "../../engine/step.ts";
import type { Database } from "../../estate.ts";
import { promoteReplica } from "../../steps/promote-replica.ts";
import { seen, whyUnseen, type Fact } from "../fact.ts";
import type { FactsWithDatabase } from "../failover.ts";
import { recallInstance, rememberInstance } from "../replica.ts";
import type { DatabaseDriver, DatabaseServer } from "./driver.ts";

type Settings = Extract<Database, { driver: "rds-postgres" }>;

/** Facts of this driver were told by RDS, whole. */
const instanceOf = (fact: Fact<DatabaseServer>): Instance | undefined => seen(fact) as Instance | undefined;

/** Promotes a read replica by RDS's control plane, in the region that is moved to. */
export const rdsPostgres: DatabaseDriver<Settings> = {
  name: "rds-postgres",
  selfManaged: false,

  sides: ({ driver, writer, replica }) => [
    { driver, ...writer },
    { driver, ...replica },
  ],

  manager: ({ region }) => `RDS in ${region}`,

  async find(ctx, { region, instance: id }) {
    const instance = await getInstance(ctx, ctx.clients.rds(region), id);
    return instance ?? unknown(`RDS in ${region} has no instance ${id}`);
  },

  remember: rememberInstance,
  recall: recallInstance,

  follows({ to }) {
    const instance = instanceOf(to.instance);
    return instance && instance.sourceId !== undefined;
  },

  replica({ to }) {
    const instance = instanceOf(to.instance);
    if (!instance) return { value: whyUnseen(to.instance) ?? "not seen", tone: "bad" };
    const parts = [
      `${instance.id}: ${instance.status}`,
      ...(instance.sourceId === undefined
        ? ["not a replica"]
        : [`a replica of ${sourceOf(instance)?.id}`, instance.replication ?? "replication unknown"]),
      instance.hasBackup ? "has a backup" : "no backup yet",
    ];
    const ready = instance.sourceId === undefined ? "no" : stateOf(instance.status).promotes;
    return { value: parts.join(", "), tone: ready === "yes" ? "good" : ready === "later" ? "warn" : "bad" };
  },

  promotion: ({ to, toRegion }) => ({
    value: `calls rds:PromoteReadReplica for ${instanceOf(to.instance)?.id ?? "the replica"}; depends on RDS's control plane in ${toRegion}`,
  }),

  provenByUse: () => ["rds:PromoteReadReplica"],

  blockers({ to, from, facts }, promoted) {
    const instance = instanceOf(facts.to.instance);
    if (!instance)
      return [`the database ${to.instance} cannot be seen: ${whyUnseen(facts.to.instance) ?? "no answer"}`];
    const blockers: string[] = [];
    if (!instance.endpoint) blockers.push(`RDS gives ${to.instance} no address`);
    if (!facts.from.known?.endpoint)
      blockers.push(`nobody knows the address of ${from.instance}, so it cannot be fenced, not even later`);
    if (promoted) return blockers;
    const source = sourceOf(instance);
    if (source === undefined) {
      return [...blockers, `${to.instance} is not a replica of ${from.instance}: its data stops where it was last one`];
    }
    if (source.region !== from.region || source.id !== from.instance.toLowerCase()) {
      return [
        ...blockers,
        `${to.instance} is a replica of ${source.id} in ${source.region}, not of ${from.instance} in ${from.region}: what ${from.instance} takes need not be in it, and Muster follows no chain of replicas`,
      ];
    }
    if (stateOf(instance.status).promotes === "no")
      blockers.push(`${to.instance} is "${instance.status}"; RDS does not promote it like that`);
    if (instance.replication === "terminated")
      blockers.push(`replication to ${to.instance} was terminated; it can no longer follow ${from.instance}`);
    return blockers;
  },

  warnings({ to, facts }) {
    const instance = instanceOf(facts.to.instance);
    if (!instance) return [];
    return [
      ...(instance.sourceId !== undefined && stateOf(instance.status).promotes === "later"
        ? [`${to.instance} is "${instance.status}"; the promotion waits until it is available.`]
        : []),
      ...(instance.sourceId !== undefined && instance.tagged === false
        ? [
            `${to.instance} has no tag dr-managed=true: with deploy/iam/act.json AWS refuses its promotion, which comes after the fence.`,
          ]
        : []),
      ...(instance.hasBackup ? [] : [`${to.instance} has no backup of its own yet.`]),
    ];
  },

  claim({ to }) {
    const sourceId = instanceOf(to.instance)?.sourceId;
    return { follows: sourceId !== undefined, value: { sourceId: sourceId ?? null } };
  },

  contradiction(value, { to }) {
    const { sourceId } = value as { sourceId: string | null };
    const instance = instanceOf(to.instance);
    if (!instance) return undefined;
    if ((instance.sourceId ?? null) !== sourceId)
      return instance.sourceId ? `it is a replica of ${instance.sourceId} now` : "it is none now";
    if (sourceId !== null && stateOf(instance.status).promotes === "no")
      return `RDS says "${instance.status}" of it now`;
    return undefined;
  },

  promote: (facts, input, { after, reads }) =>
    use(
      promoteReplica,
      input.service,
      { ...input, backupRetentionDays: backupDaysOf(facts) },
      { after: [after], reads },
    ),
};

/**
 * What a replica follows. RDS names it by its identifier, or across regions by its ARN, and in small letters; a replica stays
 * with an instance that is renamed, and does not go with the name.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_RenameInstance.html
 */
function sourceOf({ sourceId, region: own }: Instance): { id: string; region: string } | undefined {
  if (sourceId === undefined) return undefined;
  const [, , , region = own, , , id = sourceId] = sourceId.split(":");
  return { id, region };
}

/**
 * Backups of the new writer, in days: as many as the side keeps that keeps more. What is remembered of the old one may be of
 * the time when it was a replica, with none. Never none, or no new replica could be made of it.
 */
const backupDaysOf = ({ from, to }: FactsWithDatabase): number =>
  Math.max(1, from.known?.backupRetentionDays ?? 0, instanceOf(to.instance)?.backupRetentionDays ?? 0);
