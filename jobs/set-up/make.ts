import { probe } from "../../src/adapters/probe.ts";
import { replaceRoles } from "../../src/adapters/route53-failover.ts";
import { createObjectCheck, getHealthCheck, isHealthy, type HealthCheck } from "../../src/adapters/route53-health.ts";
import type { DnsName } from "../../src/adapters/route53.ts";
import { deleteObject, getObject, objectHost, putObject, spellObject } from "../../src/adapters/s3.ts";
import type { Context } from "../../src/context.ts";
import { UserError } from "../../src/errors.ts";
import { checkName, probeObject, type SwitchSetup } from "./needed.ts";

/** How long the checkers of a new health check may take to make up their minds, in seconds. */
const patienceSeconds = 300;

/**
 * Makes what a setup says, in an order in which nobody is moved: the bucket is proven, the check is made and waited for, and
 * only a check that says "healthy" is given to the primary's record. Can be run again after it ended anywhere.
 * @throws UserError or CannotContinue with how far it came.
 */
export async function setUpSwitch(ctx: Context, setup: SwitchSetup, dns: DnsName): Promise<void> {
  const { control, records } = setup;
  const { object, primary } = control;
  const { route53 } = ctx.clients;
  await proveBucket(ctx, object);
  const check = setup.checkId
    ? await getHealthCheck(ctx, route53, setup.checkId)
    : await createObjectCheck(ctx, route53, {
        name: checkName(setup.service, object),
        host: objectHost(object),
        path: `/${object.key}`,
      });
  await untilHealthy(ctx, check);
  const roles = {
    [primary]: { role: "PRIMARY", healthCheckId: check.id },
    [object.region]: { role: "SECONDARY" },
  } as const;
  await replaceRoles(ctx, route53, dns, { from: records, roles });
}

/** Proves with an object of its own that Muster may throw the switch, and that a health checker would see it. */
async function proveBucket(ctx: Context, object: SwitchSetup["control"]["object"]): Promise<void> {
  const proof = probeObject(object);
  const s3 = await ctx.clients.s3(object.region);
  const left = await getObject(ctx, s3, proof);
  if (left) await deleteObject(ctx, s3, proof, left.etag);
  await putObject(ctx, s3, proof, "Muster proves that it can put, and that others can read. This goes away at once.\n");
  const read = await probe(ctx, ctx.clients.web, { url: ctx.clients.objectUrl(proof), limitMs: ctx.callTimeoutMs });
  const made = await getObject(ctx, s3, proof);
  if (made) await deleteObject(ctx, s3, proof, made.etag);
  if (read.ok) return;
  throw new UserError({
    happened: `${spellObject(proof)} was there, and could not be read without a right: it ${read.why ?? "was refused"}.`,
    means:
      "It was deleted again, and no record was changed. That a health checker would see the switch is not proved: it reads as a stranger, too.",
    todo: `Let everybody, from any address, read ${object.key} and ${proof.key} in the policy of the bucket ${object.bucket}, then try again.`,
  });
}

/**
 * Waits until a check is healthy, and has been for as long as its checkers need to make up their minds. An inverted check
 * that is new counts as unhealthy: a record that got it now would send customers away.
 */
async function untilHealthy(ctx: Context, check: HealthCheck): Promise<void> {
  const until = ctx.now().getTime() + patienceSeconds * 1000;
  for (let greens = 0; greens <= check.failureThreshold;) {
    if (ctx.now().getTime() > until) throw notHealthy(check);
    await ctx.clock.sleep(check.intervalSeconds);
    greens = (await isHealthy(ctx, ctx.clients.route53, check)) === true ? greens + 1 : 0;
  }
}

const notHealthy = ({ id }: HealthCheck): UserError =>
  new UserError({
    happened: `The health check ${id} was made, and did not turn healthy in ${patienceSeconds} seconds.`,
    means: "No record was changed: with it as it is, customers would be sent to the other region.",
    todo: "Look at what its checkers report in Route 53, then try again: the same check is used.",
  });
