import { isHealthy } from "../../adapters/route53-health.ts";
import { findHealthCheck } from "../../adapters/route53-inventory.ts";
import type { RegionRecords } from "../../adapters/route53.ts";
import type { Context } from "../../context.ts";
import { explainAs } from "../explain.ts";
import { look, seen, type Fact } from "../fact.ts";
import { deleted, type CheckSeen, type TrafficFacts } from "./driver.ts";

type Checks = NonNullable<TrafficFacts["checks"]>;

/**
 * Looks at the health checks of records, one after the other: Route 53 takes five requests a second of an account, all
 * programs together. Records without one cost nothing.
 */
export async function lookAtChecks(ctx: Omit<Context, "estate">, records: Fact<RegionRecords>): Promise<Checks> {
  const checks: Checks = {};
  for (const [region, { healthCheckId }] of Object.entries(seen(records) ?? {})) {
    if (healthCheckId) checks[region] = await lookAtCheck(ctx, healthCheckId);
  }
  return checks;
}

/**
 * Looks again at the checks that tell which record of a failover pair is answered, and at no other: the primary's, and the
 * secondary's only while the primary's is red. One stays as it was seen before while its status is the same: a change of its
 * settings alone is not noticed.
 */
export async function lookAtServing(
  ctx: Omit<Context, "estate">,
  records: Fact<RegionRecords>,
  before: Checks,
): Promise<Checks> {
  const checks: Checks = {};
  const held = Object.entries(seen(records) ?? {});
  const isPrimary = ([, { role }]: (typeof held)[number]) => role === "PRIMARY";
  let primaryIsRed = false;
  for (const [region, record] of [...held.filter(isPrimary), ...held.filter((one) => !isPrimary(one))]) {
    const { healthCheckId, role } = record;
    const known = before[region];
    if (!healthCheckId) continue;
    if (role === "PRIMARY" || primaryIsRed) checks[region] = await lookAtStatus(ctx, healthCheckId, known);
    else if (known) checks[region] = known;
    primaryIsRed ||= role === "PRIMARY" && isRed(checks[region]);
  }
  return checks;
}

const isRed = (fact: Checks[string] | undefined): boolean => {
  const check = fact && seen(fact);
  return check !== undefined && check !== deleted && check.healthy === false;
};

/** Asks for the status alone; for all of it where that is another, or what is known is of another check. */
async function lookAtStatus(
  ctx: Omit<Context, "estate">,
  id: string,
  known: Checks[string] | undefined,
): Promise<Checks[string]> {
  const check = known && seen(known);
  if (!known || !check || check === deleted || check.id !== id || check.disabled) return lookAtCheck(ctx, id);
  if (!isToldHere(check)) return known;
  const told = await look(ctx, async () => ({ healthy: await isHealthy(ctx, ctx.clients.route53, check) }));
  const now = seen(told);
  // A look that saw nothing proves nothing.
  return !now || now.healthy === check.healthy ? known : lookAtCheck(ctx, id);
}

/** Route 53 tells the status of endpoints only: who wants to know what a routing control is asks its cluster. */
const isToldHere = ({ type }: CheckSeen): boolean => type !== "RECOVERY_CONTROL" && type !== "CALCULATED";

function lookAtCheck(ctx: Omit<Context, "estate">, id: string): Promise<Fact<CheckSeen | typeof deleted>> {
  const { route53 } = ctx.clients;
  return look(
    ctx,
    async () => {
      const check = await findHealthCheck(ctx, route53, id);
      if (!check) return deleted;
      const healthy = isToldHere(check) ? await isHealthy(ctx, route53, check) : undefined;
      return { ...check, ...(healthy === undefined ? {} : { healthy }) };
    },
    explainAs("Route 53"),
  );
}
