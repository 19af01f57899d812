import { askResolvers, type PublicAnswer } from "../adapters/dns.ts";
import { probe, type Probed } from "../adapters/probe.ts";
import { getRegionRecords, getZone, type DnsName } from "../adapters/route53.ts";
import { step, type Json, type Reads, type StepContext } from "../engine/step.ts";
import { expectedOf, findBehind, findRight, isWrong, type Expected, type Right } from "./name-servers.ts";

export type VerifyPublicInput = {
  service: string;
  toRegion: string;
  dns: DnsName;
  url: string;
  limitMs: number;
  /** Where the plan knows what the answers must be; else the step that moved customers tells, or the zone itself. */
  expected?: Expected;
};

export type VerifyPublicSeen = {
  /** The new region's own answers: its record's values, or what its alias leads to now. */
  wanted: string[];
  /** Of an alias: one of them is enough. */
  oneIsEnough?: true;
  behind: string[];
  resolvers: PublicAnswer[];
  /** Asked once every answer is right. */
  probed: Probed | null;
};

/** Checks that customers, whoever resolves for them, reach the new region and are served there. */
export const verifyPublic = step<VerifyPublicInput, VerifyPublicSeen>({
  name: "verify-public",
  title: ({ service, toRegion }) => `check that customers of ${service} reach ${toRegion}`,

  async observe(ctx, { dns, toRegion, url, limitMs, expected }, reads) {
    const told = expected ?? expectedFrom(reads, toRegion) ?? (await readZone(ctx, dns, toRegion));
    const right = await findRight(ctx, dns, told);
    const [behind, resolvers] = await Promise.all([
      findBehind(ctx, dns, told.nameServers, right),
      askResolvers(ctx, ctx.clients.names, dns, { signal: ctx.signal }),
    ]);
    const arrived = behind.length === 0 && resolvers.every((answer) => lagging(answer, right) === undefined);
    const probed = arrived ? await probe(ctx, ctx.clients.web, { url, limitMs }, { signal: ctx.signal }) : null;
    const { values: wanted, ...how } = right;
    return { wanted, ...how, behind, resolvers, probed };
  },

  missing({ wanted, oneIsEnough, behind, resolvers, probed }, { service }) {
    const [server] = behind;
    if (server) return `the name server ${server}`;
    const right = { values: wanted, ...(oneIsEnough ? { oneIsEnough } : {}) };
    for (const answer of resolvers) {
      const clause = lagging(answer, right);
      if (clause) return clause;
    }
    if (!probed) return `${service} was not asked yet`;
    return probed.ok ? undefined : `${service}, asked as customers ask it, ${probed.why ?? "is not healthy"}`;
  },

  undo: { nothing: "it only looks" },

  // Resolvers keep the old answer for its TTL; some a little longer.
  patienceSeconds: ({ dns }) => 180 + 2 * dns.ttl,
  settleSeconds: 0,
  pollSeconds: 5,
});

function lagging({ resolver, values, failed }: PublicAnswer, right: Right): string | undefined {
  if (failed) return `the resolver ${resolver} did not answer: ${failed}`;
  if (values.length === 0) return `the resolver ${resolver} answers nothing`;
  if (right.values.length === 0 || !isWrong(values, right)) return undefined;
  return `the resolver ${resolver} still answers ${values.join(", ")}`;
}

/** The records as the step that moved customers left them: it is the only one this step reads. */
function expectedFrom(reads: Reads, toRegion: string): Expected | undefined {
  const [moved] = Object.values(reads).map(asObject);
  const record = asObject(asObject(moved?.["records"])?.[toRegion]);
  const [values, nameServers] = [texts(record?.["values"]), texts(moved?.["nameServers"])];
  const alias = asObject(record?.["alias"])?.["name"];
  if (!values || !nameServers) return undefined;
  return { values, ...(typeof alias === "string" ? { alias } : {}), nameServers };
}

/** Where the move was waived, its result is not there, and the zone itself tells what the region's answers are. */
async function readZone(ctx: StepContext, dns: DnsName, toRegion: string): Promise<Expected> {
  const options = { signal: ctx.signal };
  const records = await getRegionRecords(ctx, ctx.clients.route53, dns, options);
  const { nameServers } = await getZone(ctx, ctx.clients.route53, dns.zone, options);
  return expectedOf(records[toRegion], nameServers);
}

function asObject(value: Json | undefined): { [key: string]: Json | undefined } | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
}

function texts(value: Json | undefined): string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}
