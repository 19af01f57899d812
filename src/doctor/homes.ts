import { missingFromEstate } from "../../jobs/verdict/blockers.ts";
import { findAddresses } from "../adapters/dns.ts";
import type { Estate } from "../estate.ts";
import { explainAs } from "../facts/explain.ts";
import { homesOf, targetsOf, type Targets } from "../facts/targets.ts";
import { capital } from "../spelling.ts";
import { forEach } from "./at-once.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, warning, type Finding } from "./finding.ts";

/** Whether the estate names, for each region a service can be moved to, what every move there needs; and each front door has an address. */
export const homes: Check = {
  name: "the regions of the services",
  async look(ctx, soFar) {
    const moves = movesOf(ctx.estate);
    soFar.push(...moves.map(judgeHome));
    const doors = Map.groupBy(
      moves.filter(({ edge }) => edge !== undefined),
      ({ edge = "" }) => hostOf(edge),
    );
    soFar.push(...(await forEach([...doors], 8, ([host, behind]) => lookAtDoor(ctx, host, behind))));
    return soFar;
  },
};

/** What is in one region alone is never moved. */
const movesOf = (estate: Estate): Targets[] =>
  Object.keys(estate.services).flatMap((name) => {
    const regions = homesOf(estate, name);
    return regions.length > 1 ? regions.map((region) => targetsOf(estate, name, region)) : [];
  });

function judgeHome(targets: Targets): Finding {
  const { name, toRegion, deployments } = targets;
  const subject = `the service ${name} in ${toRegion}`;
  const missing = missingFromEstate(targets);
  if (missing.length === 0) {
    return ok(
      subject,
      `the estate names its front door, and what runs there: ${deployments.to.map((one) => one.name).join(", ")}`,
    );
  }
  return broken(subject, {
    happened: `${capital(missing.join(", and "))}.`,
    means: `Every plan that moves ${name} to ${toRegion} is blocked.`,
    todo: `Write into the estate file what is in ${toRegion}, under services.${name}.`,
  });
}

/** An address of IPv6 stands in brackets in a URL, and without them everywhere else. */
const hostOf = (edge: string): string => new URL(edge).hostname.replace(/^\[(.+)\]$/, "$1");

async function lookAtDoor(ctx: DoctorContext, host: string, behind: Targets[]): Promise<Finding> {
  const subject = `the front door ${host}`;
  try {
    return ok(subject, (await findAddresses(ctx, ctx.clients.web.names, host)).join(", "));
  } catch (error) {
    const moves = behind.map(({ name, toRegion }) => `${name} to ${toRegion}`);
    return warning(subject, {
      happened: `${capital(explainAs(subject)(error))}.`,
      means: `These moves stop before customers are sent, as they are checked there first: ${moves.join(", ")}.`,
      todo: "Correct health.edges in the estate file, or make the name; it must be known where Muster runs.",
    });
  }
}
