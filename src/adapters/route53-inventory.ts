import { ListResourceRecordSetsCommand } from "@aws-sdk/client-route-53";
import type { ListResourceRecordSetsResponse, Route53Client } from "@aws-sdk/client-route-53";
import { call, type CallOptions } from "../call.ts";
import { explainDenied } from "./aws-errors.ts";
import { getHealthCheck, type HealthCheck } from "./route53-health.ts";
import { pace, type PacedContext } from "./route53-pace.ts";
import { listedName } from "./route53-records.ts";

/** One record of a zone, as far as it matters for telling whether it is the one that the estate means. */
export type ZoneRecord = {
  /** Lower case, without the dot at its end. */
  name: string;
  type: string;
  /** What tells records of one name and type apart; absent on a plain record. */
  set?: string;
  weight?: number;
  /** Of failover records. */
  role?: string;
  /** Seconds; absent on an alias. */
  ttl?: number;
  healthCheck?: string;
};

/**
 * Lists every record of a zone, page after page (300 records each). For looking at many names at once: one request for
 * each name would use up the five requests a second that the whole account has.
 */
export async function listRecords(
  ctx: PacedContext,
  route53: Route53Client,
  zone: string,
  options?: CallOptions,
): Promise<ZoneRecord[]> {
  const records: ZoneRecord[] = [];
  let from: Partial<ListResourceRecordSetsResponse> | undefined;
  do {
    const command = new ListResourceRecordSetsCommand({
      HostedZoneId: zone,
      MaxItems: 300,
      StartRecordName: from?.NextRecordName,
      StartRecordType: from?.NextRecordType,
      StartRecordIdentifier: from?.NextRecordIdentifier,
    });
    await pace(ctx, route53, options?.signal);
    const send = (abortSignal: AbortSignal) => route53.send(command, { abortSignal });
    const page = await call(ctx, "route53.ListResourceRecordSets", send, options).catch((error: unknown) => {
      throw explainDenied(error, `read the zone ${zone}`, "route53:ListResourceRecordSets");
    });
    for (const {
      Name = "",
      Type = "",
      SetIdentifier,
      Weight,
      Failover,
      TTL,
      HealthCheckId,
    } of page.ResourceRecordSets ?? []) {
      records.push({
        name: listedName(Name).toLowerCase().replace(/\.$/, ""),
        type: Type,
        ...(SetIdentifier === undefined ? {} : { set: SetIdentifier }),
        ...(Weight === undefined ? {} : { weight: Weight }),
        ...(Failover === undefined ? {} : { role: Failover }),
        ...(TTL === undefined ? {} : { ttl: TTL }),
        ...(HealthCheckId === undefined ? {} : { healthCheck: HealthCheckId }),
      });
    }
    from = page.IsTruncated ? page : undefined;
  } while (from);
  return records;
}

/** Looks for a health check; undefined when there is none of that id. */
export async function findHealthCheck(
  ctx: PacedContext,
  route53: Route53Client,
  id: string,
  options?: CallOptions,
): Promise<HealthCheck | undefined> {
  try {
    return await getHealthCheck(ctx, route53, id, options);
  } catch (error) {
    if (error instanceof Error && error.name === "NoSuchHealthCheck") return undefined;
    throw error;
  }
}
