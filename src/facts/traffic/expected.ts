import { findAddresses } from "../../adapters/dns.ts";
import type { RegionRecords } from "../../adapters/route53.ts";
import type { Context } from "../../context.ts";
import type { Expected } from "../../steps/name-servers.ts";
import { look, seen, type Fact } from "../fact.ts";
import type { Targets } from "../targets.ts";
import type { MoveFacts } from "./driver.ts";

/** What name servers shall answer after a move, as the plan knows it: an alias is followed when they are asked. */
export function expectedBy({ dns, toRegion }: MoveFacts, values: string[]): Expected {
  const alias = seen(dns.records)?.[toRegion]?.alias?.name;
  return { values, ...(alias === undefined ? {} : { alias }), nameServers: seen(dns.zone)?.nameServers ?? [] };
}

/**
 * Finds what name servers shall answer for the new region: what its record says. Where the control plane does not tell, its
 * front door does, because that is where the record leads.
 */
export async function expectedAnswers(ctx: Context, records: Fact<RegionRecords>, targets: Targets): Promise<string[]> {
  const values = seen(records)?.[targets.toRegion]?.values;
  if (values) return values;
  const { edge } = targets;
  if (!edge) return [];
  const found = await look(ctx, () => findAddresses(ctx, ctx.clients.names, new URL(edge).hostname));
  return seen(found) ?? [];
}
