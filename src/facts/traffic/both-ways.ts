import type { Context } from "../../context.ts";
import { objectives } from "../../estate.ts";
import { mostAnswered } from "../failover.ts";
import { homesOf, targetsOf } from "../targets.ts";
import type { MoveFacts } from "./driver.ts";
import { lookAtTraffic } from "./index.ts";

/**
 * Looks at how customers of a service would be moved, there and back: once for each region it can be moved to, the one that
 * stands by first where the estate tells.
 * @throws UserError when the estate has no such service, or has it in one region only.
 */
export async function lookBothWays(ctx: Context, name: string): Promise<MoveFacts[]> {
  const [database] = ctx.estate.services[name]?.databases ?? [];
  const homes = database ? [database.replica.region, database.writer.region] : homesOf(ctx.estate, name);
  const moves: MoveFacts[] = [];
  // One after the other: Route 53 takes five requests a second.
  for (const toRegion of homes) {
    const targets = targetsOf(ctx.estate, name, toRegion);
    const dns = await lookAtTraffic(ctx, targets);
    const fromRegion = mostAnswered(targets, dns);
    const move = { service: name, fromRegion, toRegion, objectives: objectives(targets.service), dns };
    moves.push(targets.database ? { ...move, to: targets.database.to } : move);
  }
  return moves;
}
