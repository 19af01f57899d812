import { GetHealthCheckCommand, ListResourceRecordSetsCommand } from "@aws-sdk/client-route-53";
import type { ListResourceRecordSetsResponse, Route53Client } from "@aws-sdk/client-route-53";
import { call, type CallContext, type CallOptions } from "../call.ts";
import { explainDenied } from "./aws-errors.ts";

/** One record of a zone, as far as it matters for telling whether it is the one that the estate means. */
export type ZoneRecord = {
  /** Lower case, without the dot at its end. */
  name: string;
  type: string;
  /** What tells records of one name and type apart; absent on a plain record. */
  set?: string;
  weight?: number;
  /** Seconds; absent on an alias. */
  ttl?: number;
  healthCheck?: string;
};

/**
 * Lists every record of a zone, page after page (300 records each). For looking at many names at once: one request for
 * each name would use up the five requests a second that the whole account has.
 */
export async function listRecords(
  ctx: CallContext,
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
    const send = (abortSignal: AbortSignal) => route53.send(command, { abortSignal });
    const page = await call(ctx, "route53.ListResourceRecordSets", send, options).catch((error: unknown) => {
      throw explainDenied(error, `read the zone ${zone}`, "route53:ListResourceRecordSets");
    });
    for (const { Name = "", Type = "", SetIdentifier, Weight, TTL, HealthCheckId } of page.ResourceRecordSets ?? []) {
      records.push({
        name: Name.toLowerCase().replace(/\.$/, ""),
        type: Type,
        ...(SetIdentifier === undefined ? {} : { set: SetIdentifier }),
        ...(Weight === undefined ? {} : { weight: Weight }),
        ...(TTL === undefined ? {} : { ttl: TTL }),
        ...(HealthCheckId === undefined ? {} : { healthCheck: HealthCheckId }),
      });
    }
    from = page.IsTruncated ? page : undefined;
  } while (from);
  return records;
}

/** A health check of Route 53, as it is set up. One that is disabled counts as healthy, whatever it would see. */
export type HealthCheck = { disabled: boolean; inverted: boolean };

/** Looks at a health check; undefined when there is none of that id. */
export async function getHealthCheck(
  ctx: CallContext,
  route53: Route53Client,
  id: string,
  options?: CallOptions,
): Promise<HealthCheck | undefined> {
  const send = (abortSignal: AbortSignal) =>
    route53.send(new GetHealthCheckCommand({ HealthCheckId: id }), { abortSignal });
  try {
    const { HealthCheck: found } = await call(ctx, "route53.GetHealthCheck", send, options);
    const { Disabled = false, Inverted = false } = found?.HealthCheckConfig ?? {};
    return { disabled: Disabled, inverted: Inverted };
  } catch (error) {
    if (error instanceof Error && error.name === "NoSuchHealthCheck") return undefined;
    throw explainDenied(error, `look at the health check ${id}`, "route53:GetHealthCheck");
  }
}
