import { sql } from "kysely";
import { call } from "../call.ts";
import type { Context } from "../context.ts";
import { UserError } from "../errors.ts";
import { lookAtClaims, lookAtFailover, type FailoverFacts } from "./failover.ts";
import { targetsOf } from "./targets.ts";
import type { TrafficFacts } from "./traffic/driver.ts";
import { looksTogether, lookAtTraffic } from "./traffic/index.ts";

/** What preflight saw of a region that is to be left: of each service what one move of it would stand on. */
export type RegionFacts = {
  toRegion: string;
  /** When the last look was over. */
  lookedAt: string;
  services: Record<string, FailoverFacts>;
  /** Services that another run has in its hands: they are not looked at, and stay out of this one. */
  held: Record<string, string>;
  /** Services that the estate cannot move there at all, and why. */
  unmovable: Record<string, string>;
};

/** How many services are looked at at once: their calls to one cluster share a few connections, and must not time out there. */
const atOnce = 32;

/**
 * Looks at every service of the estate as a move to a region would find it.
 * @throws UserError when the estate does not have the region.
 */
export async function lookAtRegion(ctx: Context, { toRegion }: { toRegion: string }): Promise<RegionFacts> {
  const names = Object.keys(ctx.estate.services).toSorted();
  const held = await whoHolds(ctx, names);
  const free = names.filter((name) => !(name in held));
  const traffic = lookAtTrafficTogether(ctx, free, toRegion);
  const look = (service: string) => lookAtFailover(ctx, { service, toRegion }, traffic.get(service));
  return { toRegion, ...(await lookAtEach(ctx, free, look)), held };
}

/**
 * Looks again at what the claims of some services are about; of what was seen before all else is left as it was. The run that
 * holds them is the one that asks.
 * @throws UserError when the estate does not have the region any more.
 */
export async function lookAtRegionClaims(
  ctx: Context,
  { toRegion, names }: { toRegion: string; names: readonly string[] },
  before: Readonly<Record<string, FailoverFacts>>,
): Promise<RegionFacts> {
  const traffic = lookAtTrafficTogether(ctx, names, toRegion, before);
  const look = (service: string) => {
    const [facts, dns] = [before[service], traffic.get(service)];
    return facts
      ? lookAtClaims(ctx, { service, toRegion }, facts, dns)
      : lookAtFailover(ctx, { service, toRegion }, dns);
  };
  // Of one without a database only DNS is looked at, of which all share a list.
  const keeps = (name: string) => (ctx.estate.services[name]?.databases.length ?? 0) > 0;
  const dataless = names.filter((name) => !keeps(name));
  const [keeping, others] = await Promise.all([
    lookAtEach(ctx, names.filter(keeps), look),
    lookAtEach(ctx, dataless, look, Infinity),
  ]);
  return {
    toRegion,
    lookedAt: others.lookedAt,
    services: { ...keeping.services, ...others.services },
    held: {},
    unmovable: { ...keeping.unmovable, ...others.unmovable },
  };
}

/** Begins to look where customers of all services are sent, for those of which one list tells it all; again, where it was seen before. */
function lookAtTrafficTogether(
  ctx: Context,
  names: readonly string[],
  toRegion: string,
  before: Readonly<Record<string, FailoverFacts>> = {},
): Map<string, Promise<TrafficFacts>> {
  const begun = names.flatMap((name): [string, Promise<TrafficFacts>][] => {
    try {
      const targets = targetsOf(ctx.estate, name, toRegion);
      if (!looksTogether(targets)) return [];
      const looking = lookAtTraffic(ctx, targets, before[name]?.dns);
      looking.catch(() => undefined);
      return [[name, looking]];
    } catch (error) {
      // Whoever looks at this one finds the same.
      if (error instanceof UserError) return [];
      throw error;
    }
  });
  return new Map(begun);
}

type Looked = Pick<RegionFacts, "lookedAt" | "services" | "unmovable">;

async function lookAtEach(
  ctx: Context,
  names: readonly string[],
  look: (service: string) => Promise<FailoverFacts>,
  most = atOnce,
): Promise<Looked> {
  const services: Record<string, FailoverFacts> = {};
  const unmovable: Record<string, string> = {};
  const left = [...names];
  const looker = async () => {
    for (let service = left.shift(); service !== undefined; service = left.shift()) {
      try {
        services[service] = await look(service);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        unmovable[service] = error.explanation.happened.replace(/\.$/, "");
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, names.length) }, looker));
  return { lookedAt: ctx.now().toISOString(), services, unmovable };
}

/** Finds which run has which of these services in its hands. */
async function whoHolds(ctx: Context, names: string[]): Promise<Record<string, string>> {
  const { rows } = await call(ctx, "db.locked", () =>
    sql<{ service: string; run: string }>`
      select service, run from muster.run_service where service = any (${names}::text[])`.execute(ctx.db),
  );
  return Object.fromEntries(rows.map(({ service, run }) => [service, run]));
}
