import type { Company } from "../adapters/route53-batches.ts";
import { getZone, type DnsName } from "../adapters/route53.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { unknown, type StepContext, type Unknown } from "../engine/step.ts";

/** What a step that changes a zone's records knows of the others of its wave. */
export type InCompany = {
  /** How many services of the wave have records in the zone; absent where one moves alone. */
  together?: number;
  /** Which wave that is. */
  wave?: number;
};

/** How long the changes of one wave and zone wait for each other, in seconds. */
const companySeconds = 15;

/** Looks at records of a name, and at who serves its zone; unknown while the control plane is silent. */
export async function readZone<Records>(
  ctx: StepContext,
  dns: DnsName,
  getRecords: (...asked: [StepContext, StepContext["clients"]["route53"], DnsName, object]) => Promise<Records>,
): Promise<{ records: Records; nameServers: string[] } | Unknown> {
  const { route53 } = ctx.clients;
  const options = { signal: ctx.signal };
  try {
    const records = await getRecords(ctx, route53, dns, options);
    const { nameServers } = await getZone(ctx, route53, dns.zone, options);
    return { records, nameServers };
  } catch (error) {
    ctx.signal.throwIfAborted();
    const silence = whyUnreachable(error);
    if (silence) return unknown(`Route 53's control plane, which lives in us-east-1, ${silence}`);
    throw error;
  }
}

/** Who goes out with a change of a zone: all of its run and wave that go the same way. */
export function companyOf(
  { runId, stopping, unwanted }: Pick<StepContext, "runId" | "stopping" | "unwanted">,
  { dns, together, wave }: InCompany & { dns: Pick<DnsName, "zone"> },
  way: "there" | "back" = "there",
): Company | undefined {
  if (together === undefined) return undefined;
  const name = [runId, wave, dns.zone, way].join(" ");
  return { of: together, seconds: companySeconds, name, hurry: stopping, leave: unwanted };
}
