import type { STS } from "@aws-sdk/client-sts";
import { call, type CallContext, type CallOptions } from "../call.ts";

/** Who AWS takes us for. */
export type Identity = { account: string; arn: string };

/**
 * Asks AWS who we are, in the client's region. It takes no right at all: what is refused here are the credentials
 * themselves (InvalidClientTokenId, ExpiredToken), or a clock that is off (SignatureDoesNotMatch).
 */
export async function getIdentity(ctx: CallContext, sts: STS, options?: CallOptions): Promise<Identity> {
  const send = (abortSignal: AbortSignal) => sts.getCallerIdentity({}, { abortSignal });
  const asked = { ...options, target: `sts ${await sts.config.region()}` };
  const { Account = "", Arn = "" } = await call(ctx, "sts.GetCallerIdentity", send, asked);
  return { account: Account, arn: Arn };
}

/** Where a region's STS is, to be asked what time it is. */
export const stsAddress = (region: string): string =>
  `https://sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}/`;
