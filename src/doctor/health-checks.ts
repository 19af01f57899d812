import type { HealthCheck } from "../adapters/route53-health.ts";
import { findHealthCheck } from "../adapters/route53-inventory.ts";
import { spellObject } from "../adapters/s3.ts";
import type { Explanation } from "../errors.ts";
import type { Service, Traffic } from "../estate.ts";
import { explainAs } from "../facts/explain.ts";
import { look, whyUnseen } from "../facts/fact.ts";
import { faultOf as switchCheckFault } from "../facts/traffic/object-switch.ts";
import { faultOf as controlCheckFault } from "../facts/traffic/routing-blockers.ts";
import type { DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";

/** Looks at the health check of one region's record. */
export async function lookAtHealthCheck(
  ctx: DoctorContext,
  { name, service: { traffic } }: { name: string; service: Service },
  { id, set }: { id: string; set: string },
): Promise<Finding> {
  const record = `${traffic.name} (${set})`;
  const subject = `the health check of ${record}`;
  const fact = await look(ctx, () => findHealthCheck(ctx, ctx.clients.route53, id), explainAs("Route 53"));
  if (!("seen" in fact)) {
    return broken(subject, {
      happened: `${whyUnseen(fact)}.`,
      means: `Nobody can tell whether the health check ${id} lets customers through to ${set}.`,
      todo: "Give Muster's role route53:GetHealthCheck, and look again.",
    });
  }
  const found = fact.seen;
  if (!found) {
    return broken(subject, {
      happened: `Route 53 has no health check ${id}.`,
      means: `Route 53 refuses every change of ${record}, and what that record counts as cannot be foretold.`,
      todo: "Give the record a health check that is there, or none.",
    });
  }
  const fault = leverFault({ name, traffic }, set, found);
  if (fault) return broken(subject, fault);
  if (found.disabled) {
    return warning(subject, {
      happened: `The health check ${id} is disabled.`,
      means: meansOfDisabled(found, record),
      todo: "Enable it.",
    });
  }
  return ok(subject, found.inverted ? `${id}, inverted: it is red while what it looks at is well` : id);
}

/** Says where a check that should follow what moves customers does not; undefined where it does, or is not such a check. */
function leverFault(
  { name, traffic }: { name: string; traffic: Traffic },
  set: string,
  found: HealthCheck,
): Explanation | undefined {
  const { id } = found;
  if (traffic.driver === "arc-routing-control") {
    const arn = traffic.controls[set];
    const fault = arn && controlCheckFault(found, arn);
    if (!fault) return undefined;
    return {
      happened: `The health check ${id} does not follow the routing control of ${set}: ${fault}.`,
      means: "Nobody is moved by that routing control.",
      todo: `Give the record of ${set} a health check of type RECOVERY_CONTROL that follows ${arn}.`,
    };
  }
  if (traffic.driver !== "route53-switch" || set !== traffic.primary) return undefined;
  const fault = switchCheckFault(found, { object: traffic.control });
  if (!fault) return undefined;
  const means = found.disabled ? ` ${meansOfDisabled(found, `${traffic.name} (${set})`)}` : "";
  return {
    happened: `The health check ${id} does not follow ${spellObject(traffic.control)}: ${fault}.`,
    means: `Nobody is moved by that object.${means}`,
    todo: `Type: muster traffic setup ${name}. It shows how to put it right.`,
  };
}

/** Inverted, what is taken for healthy counts as unhealthy. */
const meansOfDisabled = ({ inverted }: HealthCheck, record: string): string =>
  inverted
    ? `A disabled check that is inverted counts as unhealthy, so nobody is sent to ${record} while another record is healthy.`
    : `A disabled one counts as healthy, so ${record} gets its share also when nothing answers there.`;
