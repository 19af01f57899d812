import type { GlobalCluster } from "../adapters/rds-global.ts";
import { primaryBeside, untaggedOf } from "../facts/databases/aurora-postgres.ts";
import { seen, whyUnseen } from "../facts/fact.ts";
import type { Side } from "../facts/targets.ts";
import { forEach } from "./at-once.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";
import { pairsOf, spelt, type Pair } from "./pairs.ts";

/** Whether RDS has every cluster of Aurora that the estate names, in its global cluster, fit to change its role. */
export const auroraClusters: Check = {
  name: "the clusters of Aurora",
  async look(ctx) {
    const pairs = pairsOf(ctx.estate).filter(({ driver }) => driver === "aurora-postgres");
    return (await forEach(pairs, 4, (pair) => lookAtPair(ctx, pair))).flat();
  },
};

async function lookAtPair(ctx: DoctorContext, pair: Pair): Promise<Finding[]> {
  const { service, sides } = pair;
  const single = await Promise.all(sides.map((side) => lookAtCluster(ctx, service, side)));
  const clusters = (await Promise.all(sides.map((side) => ctx.instance(side)))).map(seen);
  const global = clusters.find((cluster) => cluster?.aurora)?.aurora?.global;
  return [...single.flat(), ...(global ? judgePrimary(pair, global) : [])];
}

/** Says where the primary of a pair's global cluster is neither of the two: nobody would fence it. Pure. */
export function judgePrimary({ service, sides }: Pick<Pair, "service" | "sides">, global: GlobalCluster): Finding[] {
  const primary = primaryBeside(global, sides);
  if (primary === undefined) return [];
  return [
    broken(`the database pair of ${service}`, {
      happened: `The primary of ${global.id} is ${primary}, and neither of ${sides.map(({ instance }) => instance).join(" and ")}.`,
      means: `${service} cannot be moved: what is written there would not be fenced.`,
      todo: "Name the primary in the estate file as one of the two, or make one of them the primary.",
    }),
  ];
}

async function lookAtCluster(ctx: DoctorContext, service: string, side: Side): Promise<Finding[]> {
  const subject = `the cluster ${spelt(side)}`;
  const fact = await ctx.instance(side);
  const cluster = seen(fact);
  if (!cluster?.aurora) {
    return [
      broken(subject, {
        happened: `${whyUnseen(fact) ?? "It is not one of Aurora"}.`,
        means: `${service} cannot be moved to ${side.region}: nothing is promoted that cannot be seen.`,
        todo: "Correct cluster and global in the estate file, or give Muster's role what deploy/iam/aurora.json lists under LookAtClusters.",
      }),
    ];
  }
  if (!cluster.endpoint) {
    return [
      broken(subject, {
        happened: `RDS in ${side.region} tells no writer endpoint of ${side.instance}, neither with the cluster nor in the list of its endpoints.`,
        means: `${service} can be moved neither there nor from there: nobody would know where its database is written.`,
        todo: "Look at the endpoints of the cluster in the RDS console: one of the type Writer must be among them, whatever its state.",
      }),
    ];
  }
  const { global, isWriter } = cluster.aurora;
  const unfit = [global.moving?.status ?? global.status, cluster.status].find((status) => status !== "available");
  if (unfit !== undefined) {
    return [
      broken(subject, {
        happened: `${spelt(side)} or its global cluster ${global.id} is "${unfit}".`,
        means: `RDS does not change roles like that: ${service} cannot be moved while it lasts.`,
        todo: "Look at it in the RDS console; both must be available.",
      }),
    ];
  }
  const synchronization = global.members.find(({ arn }) => arn === cluster.arn)?.synchronization;
  if (synchronization === "pending-resync") {
    return [
      warning(subject, {
        happened: `${spelt(side)} is out of step with its primary (pending-resync).`,
        means: `RDS may refuse to move ${service} there.`,
        todo: "Look at the replication lag of the global cluster in CloudWatch.",
      }),
    ];
  }
  const untagged = untaggedOf(cluster, global);
  if (untagged.length > 0) {
    return [
      warning(subject, {
        happened: `No tag dr-managed=true is on ${untagged.join(" and ")}.`,
        means: `With deploy/iam/aurora.json AWS refuses to change roles, and a move of ${service} stops once the other side is fenced.`,
        todo: "Give it the tag, as deploy/iam/README.md shows. Nothing, where another policy lets Muster change roles.",
      }),
    ];
  }
  const role = isWriter ? `the primary of ${global.id}` : `a secondary of ${global.id}`;
  return [ok(subject, [role, ...(synchronization ? [synchronization] : []), cluster.status].join(", "))];
}
