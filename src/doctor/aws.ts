import { getIdentity } from "../adapters/sts.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import { messageOf } from "../errors.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, type Finding } from "./finding.ts";

/** Who AWS takes Muster for, in each region of the estate. */
export const aws: Check = {
  name: "AWS",
  look: (ctx) => Promise.all(ctx.estate.regions.map((region) => lookAtRegion(ctx, region))),
};

async function lookAtRegion(ctx: DoctorContext, region: string): Promise<Finding> {
  const subject = `AWS in ${region}`;
  try {
    const { account, arn } = await getIdentity(ctx, await ctx.clients.sts(region));
    return ok(subject, `account ${account}, as ${arn}`);
  } catch (error) {
    const why = whyUnreachable(error) ?? `refused: ${(error as Error).name}: ${messageOf(error).replace(/\.+$/, "")}`;
    return broken(subject, {
      happened: `STS in ${region} ${why}.`,
      means: `Muster can neither look nor change anything in ${region}: no service moves there.`,
      todo: "Give the process credentials that AWS takes (a role, a profile or the environment), and a way to AWS's regional endpoints.",
    });
  }
}
