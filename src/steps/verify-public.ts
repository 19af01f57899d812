import { askResolvers, type PublicAnswer } from "../adapters/dns.ts";
import { probe, type Probed } from "../adapters/probe.ts";
import { getRegionRecords, getZone, type DnsName } from "../adapters/route53.ts";
import { step, type Json, type Reads, type StepContext } from "../engine/step.ts";
import { differs, findBehind, type Expected } from "./name-servers.ts";

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
  /** The new region's own answers; none where its record is an alias. */
  wanted: string[];
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
    const { values: wanted, nameServers } =
      expected ?? expectedFrom(reads, toRegion) ?? (await readZone(ctx, dns, toRegion));
    const [behind, resolvers] = await Promise.all([
      wanted.length > 0 ? findBehind(ctx, dns, nameServers, wanted) : [],
      askResolvers(ctx, ctx.clients.names, dns, { signal: ctx.signal }),
    ]);
    const right = behind.length === 0 && resolvers.every((answer) => lagging(answer, wanted) === undefined);
    const probed = right ? await probe(ctx, ctx.clients.web, { url, limitMs }, { signal: ctx.signal }) : null;
    return { wanted, behind, resolvers, probed };
  },

  missing({ wanted, behind, resolvers, probed }, { service }) {
    const [server] = behind;
    if (server) return `the name server ${server}`;
    for (const answer of resolvers) {
      const clause = lagging(answer, wanted);
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

function lagging({ resolver, values, failed }: PublicAnswer, wanted: readonly string[]): string | undefined {
  if (failed) return `the resolver ${resolver} did not answer: ${failed}`;
  if (values.length === 0) return `the resolver ${resolver} answers nothing`;
  if (wanted.length === 0 || !differs(values, wanted)) return undefined;
  return `the resolver ${resolver} still answers ${values.join(", ")}`;
}

/** The records as the step that moved customers left them: it is the only one this step reads. */
function expectedFrom(reads: Reads, toRegion: string): Expected | undefined {
  const [moved] = Object.values(reads).map(asObject);
  const record = asObject(asObject(moved?.["records"])?.[toRegion]);
  const [values, nameServers] = [texts(record?.["values"]), texts(moved?.["nameServers"])];
  return values && nameServers ? { values, nameServers } : undefined;
}

/** Where the move was waived, its result is not there, and the zone itself tells what the region's answers are. */
async function readZone(ctx: StepContext, dns: DnsName, toRegion: string): Promise<Expected> {
  const options = { signal: ctx.signal };
  const records = await getRegionRecords(ctx, ctx.clients.route53, dns, options);
  const { nameServers } = await getZone(ctx, ctx.clients.route53, dns.zone, options);
  return { values: records[toRegion]?.values ?? [], nameServers };
}

function asObject(value: Json | undefined): { [key: string]: Json | undefined } | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
}

function texts(value: Json | undefined): string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}
