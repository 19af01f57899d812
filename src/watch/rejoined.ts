import { getCluster, getGlobalCluster, type GlobalCluster } from "../adapters/rds-global.ts";
import type { Context } from "../context.ts";
import { unknown } from "../engine/step.ts";
import { look, seen } from "../facts/fact.ts";
import type { DatabaseTarget } from "../steps/targets.ts";
import type { NewPrimary } from "./unfenced.ts";

/**
 * How often RDS is asked about one old side at most, in seconds, and about how many in one turn: the account has one limit for
 * all such calls, and a region is silent when runs need theirs. With many, each is asked less often.
 */
const askSeconds = 60;
const mostAtOnce = 5;

/** Takes those about which RDS may be asked in this turn, the longest not asked about first, and notes when. */
export function takeNext(lastAsked: Map<string, Date>, instances: readonly string[], now: Date): Set<string> {
  const askedAt = (instance: string) => lastAsked.get(instance)?.getTime() ?? 0;
  const due = instances.filter((instance) => now.getTime() - askedAt(instance) >= askSeconds * 1000);
  const next = due.toSorted((one, other) => askedAt(one) - askedAt(other)).slice(0, mostAtOnce);
  for (const instance of next) lastAsked.set(instance, now);
  return new Set(next);
}

/**
 * Whether RDS has made an old primary of Aurora a secondary of the new one. From then on its writer endpoint has no address,
 * so that its silence would never end. RDS is asked in the new region, and at last in the old one, which must be back.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-global-database-disaster-recovery.html
 */
export async function hasRejoined(
  ctx: Context,
  { from, to, global }: { from: DatabaseTarget; to: DatabaseTarget; global: NewPrimary },
): Promise<boolean> {
  const whole = seen(
    await look(
      ctx,
      async () => (await getGlobalCluster(ctx, ctx.clients.rds(to.region), global.id)) ?? unknown("not there"),
    ),
  );
  if (!whole || !isSecondary(whole, from, global.arn)) return false;
  const cluster = seen(
    await look(
      ctx,
      async () => (await getCluster(ctx, ctx.clients.rds(from.region), from.instance)) ?? unknown("not there"),
    ),
  );
  return cluster?.status === "available";
}

/**
 * Whether a cluster is shown to be a secondary in step with a primary. That it is a member and no writer is not enough: a
 * primary that was left behind in a dead region is listed so at once. Pure.
 */
export function isSecondary(
  { status, members, moving }: GlobalCluster,
  { instance, region }: Pick<DatabaseTarget, "instance" | "region">,
  primaryArn: string,
): boolean {
  if (moving || status !== "available") return false;
  if (!members.some(({ arn, isWriter }) => arn === primaryArn && isWriter)) return false;
  const name = `:cluster:${instance.toLowerCase()}`;
  const member = members.find(({ arn }) => arn.includes(`:rds:${region}:`) && arn.endsWith(name));
  return member !== undefined && !member.isWriter && member.synchronization === "connected";
}
