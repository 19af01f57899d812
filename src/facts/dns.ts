import { getWeightedRecords, getZone, type DnsName, type WeightedRecords } from "../adapters/route53.ts";
import type { Context } from "../context.ts";
import { explainAs } from "./explain.ts";
import { look, type Fact } from "./fact.ts";
import type { Targets } from "./targets.ts";

export type DnsFacts = {
  name: DnsName;
  /** As the control plane in us-east-1 holds them, by region. */
  records: Fact<WeightedRecords>;
  zone: Fact<{ name: string; nameServers: string[] }>;
};

/** Names the records that a move of a service changes. */
export function dnsNameOf({ service: { traffic } }: Targets): DnsName {
  return { zone: traffic.zone, name: traffic.name, type: traffic.type, ttl: traffic.ttl };
}

/** Looks at the records of a service and at its zone. */
export async function lookAtDns(ctx: Context, targets: Targets): Promise<DnsFacts> {
  const name = dnsNameOf(targets);
  const [records, zone] = await Promise.all([
    look(ctx, () => getWeightedRecords(ctx, ctx.clients.route53, name), explainAs("Route 53")),
    look(ctx, () => getZone(ctx, ctx.clients.route53, name.zone), explainAs("Route 53")),
  ]);
  return { name, records, zone };
}
