import { askResolvers, askServer, findZone, type PublicAnswer, type ZoneSeen } from "../adapters/dns.ts";
import { perSecond } from "../adapters/route53-pace.ts";
import { getZone } from "../adapters/route53.ts";
import type { Traffic } from "../estate.ts";
import { explainAs } from "../facts/explain.ts";
import { look, seen, whyUnseen, type Fact } from "../facts/fact.ts";
import { capital } from "../spelling.ts";
import type { Check, DoctorContext } from "./check.ts";
import { broken, ok, type Finding } from "./finding.ts";

/** Whether Muster can ask those who answer customers: each move waits for what they say, and that is after customers were moved. */
export const nameServers: Check = {
  name: "the name servers",
  extraMs: ({ estate }) => (1000 * onePerZone(estate.services).length) / perSecond,
  look: async (ctx) => (await Promise.all(onePerZone(ctx.estate.services).map((one) => lookAtZone(ctx, one)))).flat(),
};

/** Who can be asked about one record of a zone is whom all records of it are asked of. */
const onePerZone = (services: Record<string, { traffic: Traffic }>): Traffic[] => [
  ...new Map(
    Object.values(services)
      .map(({ traffic }) => [traffic.zone, traffic] as const)
      .toReversed(),
  ).values(),
];

async function lookAtZone(ctx: DoctorContext, traffic: Traffic): Promise<Finding[]> {
  const { names } = ctx.clients;
  const zone = await look(
    ctx,
    () => findServers(ctx, traffic),
    explainAs(isByDns(traffic) ? "the resolver" : "Route 53"),
  );
  const found = seen(zone);
  // Why the control plane does not show a zone is told where its records are looked at.
  if (!found) return isByDns(traffic) ? [notFound(traffic, whyUnseen(zone) ?? "no answer")] : [];
  const [server] = found.nameServers;
  if (server === undefined) return [noServers(traffic)];
  const [told, resolvers] = await Promise.all([
    look(ctx, () => askServer(ctx, names, server, traffic), explainAs(`the name server ${server}`)),
    askResolvers(ctx, names, traffic),
  ]);
  return [judgeServer(traffic, server, told), judgeResolvers(traffic, resolvers, (seen(told)?.values.length ?? 0) > 0)];
}

/** As a move of the service finds them: by the control plane, or by DNS alone. */
async function findServers(ctx: DoctorContext, traffic: Traffic): Promise<ZoneSeen> {
  if (!isByDns(traffic)) return getZone(ctx, ctx.clients.route53, traffic.zone);
  return (await findZone(ctx, ctx.clients.names, traffic)) ?? { name: traffic.name, nameServers: [] };
}

const isByDns = ({ driver }: Traffic): boolean => driver === "route53-switch" || driver === "arc-routing-control";

const openPort = "Let Muster's hosts send to port 53 of any address, by UDP and by TCP";
const parks = "A run stops for want of an answer once its customers are moved, and waits for people.";

const notFound = ({ name }: Traffic, why: string): Finding =>
  broken(`the name servers of ${name}`, {
    happened: `The name servers of ${name} cannot be found: ${why}.`,
    means: "No move can be approved, because they could not be asked whether customers were moved.",
    todo: "Let Muster's hosts ask their own resolver for NS records, and look again.",
  });

/** A private zone has none, and DNS tells none of a name that is not delegated. */
export const noServers = ({ zone, name }: Pick<Traffic, "zone" | "name">): Finding =>
  broken(`the name servers of ${name}`, {
    happened: `${name} has no name servers: the zone ${zone} is private, or nothing leads to it.`,
    means: "Nobody outside can be asked whether customers were moved, so no move can be approved.",
    todo: "Name the public zone in the estate file, in which customers look the name up.",
  });

function judgeServer({ name }: Traffic, server: string, told: Fact<object>): Finding {
  const subject = `the name servers of ${name}`;
  const why = whyUnseen(told);
  if (why === undefined) return ok(subject, `${server} can be asked`);
  return broken(subject, { happened: `${capital(why)}.`, means: parks, todo: `${openPort}.` });
}

/** Says which public resolvers cannot be asked, or do not know a name that its name server knows. Pure. */
export function judgeResolvers(
  { name }: Pick<Traffic, "name">,
  answers: readonly PublicAnswer[],
  isKnown: boolean,
): Finding {
  const subject = `the public resolvers, asked for ${name}`;
  const silent = answers.filter(({ failed }) => failed !== undefined);
  const ignorant = answers.filter(({ failed, values }) => failed === undefined && values.length === 0);
  const todo = `${openPort}, or name resolvers that can be reached in PUBLIC_RESOLVERS.`;
  if (silent.length > 0) {
    const happened = `${silent.map(({ resolver, failed }) => `The resolver ${resolver} did not answer: ${failed}`).join(". ")}.`;
    // A move waits for the answer of each.
    return broken(subject, { happened, means: parks, todo });
  }
  if (isKnown && ignorant.length > 0) {
    return broken(subject, {
      happened: ignorant.map(({ resolver }) => `The resolver ${resolver} answers nothing for ${name}.`).join(" "),
      means: parks,
      todo: "Delegate the zone to its name servers, or name resolvers that customers use in PUBLIC_RESOLVERS.",
    });
  }
  return ok(subject, `${answers.map(({ resolver }) => resolver).join(", ") || "none"} can be asked`);
}
