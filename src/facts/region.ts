import { sql } from "kysely";
import { call } from "../call.ts";
import type { Context } from "../context.ts";
import { UserError } from "../errors.ts";
import { lookAtClaims, lookAtFailover, type FailoverFacts } from "./failover.ts";

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

/** How many services are looked at at once. */
const atOnce = 16;

/**
 * Looks at every service of the estate as a move to a region would find it.
 * @throws UserError when the estate does not have the region.
 */
export function lookAtRegion(ctx: Context, { toRegion }: { toRegion: string }): Promise<RegionFacts> {
  const names = Object.keys(ctx.estate.services).toSorted();
  return lookAtEach(ctx, { toRegion, names }, (service) => lookAtFailover(ctx, { service, toRegion }));
}

/** Looks again at what the claims of a region's plan are about: at the services that were seen before. */
export function lookAtRegionClaims(
  ctx: Context,
  { toRegion }: { toRegion: string },
  before: RegionFacts,
): Promise<RegionFacts> {
  const services = Object.entries(before.services);
  const names = services.map(([name]) => name);
  const known = new Map(services);
  return lookAtEach(ctx, { toRegion, names }, (service) => {
    const facts = known.get(service);
    return facts ? lookAtClaims(ctx, { service, toRegion }, facts) : lookAtFailover(ctx, { service, toRegion });
  });
}

async function lookAtEach(
  ctx: Context,
  { toRegion, names }: { toRegion: string; names: string[] },
  lookAt: (service: string) => Promise<FailoverFacts>,
): Promise<RegionFacts> {
  const held = await whoHolds(ctx, names);
  const services: Record<string, FailoverFacts> = {};
  const unmovable: Record<string, string> = {};
  const left = names.filter((name) => !(name in held));
  const looker = async () => {
    for (let service = left.shift(); service !== undefined; service = left.shift()) {
      try {
        services[service] = await lookAt(service);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        unmovable[service] = error.explanation.happened.replace(/\.$/, "");
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, looker));
  return { toRegion, lookedAt: ctx.now().toISOString(), services, held, unmovable };
}

/** Finds which run has which of these services in its hands. */
async function whoHolds(ctx: Context, names: string[]): Promise<Record<string, string>> {
  const { rows } = await call(ctx, "db.locked", () =>
    sql<{ service: string; run: string }>`
      select service, run from muster.run_service where service = any (${names}::text[])`.execute(ctx.db),
  );
  return Object.fromEntries(rows.map(({ service, run }) => [service, run]));
}
