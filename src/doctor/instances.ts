import type { Instance } from "../adapters/rds.ts";
import { stateOf } from "../adapters/rds-states.ts";
import { seen, whyUnseen, type Fact } from "../facts/fact.ts";
import { forEach } from "./at-once.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";
import { pairsOf, spelt, type Pair } from "./pairs.ts";

/** Whether RDS has every instance of the estate, fit to be promoted, and each pair has a writer and what follows it. */
export const instances: Check = {
  name: "the database instances",
  look: async (ctx) => (await forEach(managed(ctx), 8, (pair) => lookAtPair(ctx, pair))).flat(),
};

/** Clusters of Aurora are another subject; of a pair that RDS does not know, the servers themselves tell. */
const managed = ({ estate }: DoctorContext) => pairsOf(estate).filter(({ driver }) => driver === "rds-postgres");

async function lookAtPair(ctx: DoctorContext, { service, sides }: Pair): Promise<Finding[]> {
  const facts = (await Promise.all(sides.map((side) => ctx.instance(side)))) as Fact<Instance>[];
  const found = facts.map(seen).filter((instance) => instance !== undefined);
  const single = sides.map((side, index) => judgeInstance(service, side, facts[index]));
  return found.length === 2 ? [...single, ...judgeRoles(service, found)] : single;
}

function judgeInstance(service: string, side: Pair["sides"][0], fact: Fact<Instance> | undefined): Finding {
  const subject = `the instance ${spelt(side)}`;
  const instance = fact && seen(fact);
  if (!instance) {
    return broken(subject, {
      happened: `${(fact && whyUnseen(fact)) ?? "It was not looked at"}.`,
      means: `${service} cannot be moved to ${side.region}: nothing is promoted that cannot be seen.`,
      todo: "Correct the instance in the estate file, or give Muster's role rds:DescribeDBInstances in that region.",
    });
  }
  const { status, sourceId, replication, engineVersion } = instance;
  const role = sourceId === undefined ? "a writer" : `a replica, ${replication ?? "of unknown state"}`;
  const ready = stateOf(status).promotes;
  if (ready === "no") {
    return broken(subject, {
      happened: `${spelt(side)} is "${status}".`,
      means: `${service} cannot be moved to ${side.region} while it is.`,
      todo: "Look at it in the RDS console; it must be available.",
    });
  }
  if (sourceId !== undefined && replication !== undefined && replication !== "replicating") {
    return broken(subject, {
      happened: `${spelt(side)} does not follow its writer: its replication is "${replication}".`,
      means: `A move of ${service} to ${side.region} loses what it has not received.`,
      todo: "Look at its replication in the RDS console; build it anew if it does not start again.",
    });
  }
  if (ready === "later") {
    return warning(subject, {
      happened: `${spelt(side)} is "${status}".`,
      means: `A move of ${service} to ${side.region} waits until that is over.`,
      todo: "Nothing, if it passes; type muster doctor again then.",
    });
  }
  if (instance.tagged === false) {
    return warning(subject, {
      happened: `${spelt(side)} has no tag dr-managed=true.`,
      means: `With deploy/iam/act.json AWS refuses its promotion, and a move of ${service} to ${side.region} stops once the other side is fenced.`,
      todo: `Give it the tag: aws rds add-tags-to-resource --region ${side.region} --resource-name ${instance.arn} --tags Key=dr-managed,Value=true. Nothing, where another policy lets Muster promote it.`,
    });
  }
  return ok(subject, `${role}, ${status}, Postgres ${engineVersion}`);
}

/** RDS names what a replica follows by its identifier, or by its ARN across regions. */
function judgeRoles(service: string, [one, other]: Instance[]): Finding[] {
  if (!one || !other) return [];
  const follows = (replica: Instance, writer: Instance) =>
    replica.sourceId !== undefined && [writer.id, writer.arn].includes(replica.sourceId);
  const [replica, writer] = follows(one, other) ? [one, other] : [other, one];
  const subject = `the database pair of ${service}`;
  if (!follows(replica, writer)) {
    return [
      broken(subject, {
        happened: `Neither of ${one.id} and ${other.id} is a replica of the other.`,
        means: `${service} is not protected: a move would go to a database that does not have its data.`,
        todo: `Make a cross-region replica of the one that is written, and name it in the estate file.`,
      }),
    ];
  }
  if (writer.backupRetentionDays > 0) return [];
  return [
    warning(subject, {
      happened: `Backups of ${writer.id} are off.`,
      means: "No replica can be made of it, so after a move there is no way to protect it again.",
      todo: "Give it a backup retention of at least one day.",
    }),
  ];
}
