import { getObject, spellObject } from "../adapters/s3.ts";
import type { Traffic } from "../estate.ts";
import { explainAs } from "../facts/explain.ts";
import { look, seen, whyUnseen } from "../facts/fact.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, type Finding } from "./finding.ts";

type Switch = Extract<Traffic, { driver: "route53-switch" }>;

/** Whether the objects that move customers can be looked at; that Muster may put and delete them shows only then. */
export const controlObjects: Check = {
  name: "the control objects",
  look: (ctx) =>
    Promise.all(
      Object.entries(ctx.estate.services).flatMap(([name, { traffic }]) =>
        traffic.driver === "route53-switch" ? [lookAtObject(ctx, name, traffic)] : [],
      ),
    ),
};

async function lookAtObject(ctx: DoctorContext, service: string, { control, primary }: Switch): Promise<Finding> {
  const subject = `the control object of ${service}`;
  const object = spellObject(control);
  const find = async () => ({
    isThere: (await getObject(ctx, await ctx.clients.s3(control.region), control)) !== null,
  });
  const fact = await look(ctx, find, explainAs(`S3 in ${control.region}`));
  const found = seen(fact);
  if (!found) {
    return broken(subject, {
      happened: `${object} cannot be looked at: ${whyUnseen(fact)}.`,
      means: `Nobody can be sent to ${control.region} for ${service}.`,
      todo: "Correct traffic.control, make the bucket, or give Muster's role the rights of deploy/iam/switch.json.",
    });
  }
  return ok(
    subject,
    found.isThere ? `${object} is there: ${control.region} serves` : `${object} is not there: ${primary} serves`,
  );
}
