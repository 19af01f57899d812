import { isHealthy } from "../../adapters/route53-health.ts";
import { findHealthCheck } from "../../adapters/route53-inventory.ts";
import type { RegionRecords } from "../../adapters/route53.ts";
import type { Context } from "../../context.ts";
import { explainAs } from "../explain.ts";
import { look, seen, type Fact } from "../fact.ts";
import { deleted, type CheckSeen, type TrafficFacts } from "./driver.ts";

/**
 * Looks at the health checks of records, one after the other: Route 53 takes five requests a second of an account, all
 * programs together. Records without one cost nothing.
 */
export async function lookAtChecks(
  ctx: Omit<Context, "estate">,
  records: Fact<RegionRecords>,
): Promise<NonNullable<TrafficFacts["checks"]>> {
  const checks: NonNullable<TrafficFacts["checks"]> = {};
  for (const [region, { healthCheckId }] of Object.entries(seen(records) ?? {})) {
    if (healthCheckId) checks[region] = await lookAtCheck(ctx, healthCheckId);
  }
  return checks;
}

function lookAtCheck(ctx: Omit<Context, "estate">, id: string): Promise<Fact<CheckSeen | typeof deleted>> {
  const { route53 } = ctx.clients;
  return look(
    ctx,
    async () => {
      const check = await findHealthCheck(ctx, route53, id);
      if (!check) return deleted;
      // Route 53 tells the status of endpoints only: who wants to know what a routing control is asks its cluster.
      const isToldHere = check.type !== "RECOVERY_CONTROL" && check.type !== "CALCULATED";
      const healthy = isToldHere ? await isHealthy(ctx, route53, check) : undefined;
      return { ...check, ...(healthy === undefined ? {} : { healthy }) };
    },
    explainAs("Route 53"),
  );
}
