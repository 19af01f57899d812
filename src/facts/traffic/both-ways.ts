import type { Context } from "../../context.ts";
import { objectives } from "../../estate.ts";
import { targetsOf } from "../targets.ts";
import type { MoveFacts } from "./driver.ts";
import { lookAtTraffic } from "./index.ts";

/**
 * Looks at how customers of a service would be moved, there and back: once for each region it has a database in.
 * @throws UserError when the estate has no such service.
 */
export async function lookBothWays(ctx: Context, service: string): Promise<MoveFacts[]> {
  const { regions } = ctx.estate;
  const [database] = ctx.estate.services[service]?.databases ?? [];
  const homes = database ? [database.replica.region, database.writer.region] : regions.slice(0, 1);
  const moves: MoveFacts[] = [];
  // One after the other: Route 53 takes five requests a second.
  for (const toRegion of homes) {
    const targets = targetsOf(ctx.estate, service, toRegion);
    const [fromRegion] = targets.fromRegions;
    const dns = await lookAtTraffic(ctx, targets);
    moves.push({ service, fromRegion, toRegion, objectives: objectives(targets.service), dns });
  }
  return moves;
}
