import { briefly } from "../call.ts";
import type { Context } from "../context.ts";
import type { Database } from "../estate.ts";
import { lookAtApplication, whyShut, type ApplicationFacts } from "./application.ts";
import type { DatabaseServer } from "./databases/driver.ts";
import { databaseDriver, lookAtSide, recallSide } from "./databases/index.ts";
import { notSeen, seen, whyUnseen, type Fact } from "./fact.ts";
import { lookAtLastBeat } from "./heartbeats.ts";
import { lookAtServer, type ServerFacts } from "./lag.ts";
import { lookAtPromotions, type Promotion } from "./promotions.ts";
import type { Sides } from "./targets.ts";

/** What preflight saw of the database of a service that is to move. */
export type DatabaseFacts = {
  /** What manages its servers; facts of older runs name none: RDS does. */
  databaseDriver?: Database["driver"];
  application: Fact<ApplicationFacts>;
  /** The instance that shall write, and what it says itself. */
  to: { instance: Fact<DatabaseServer>; server: Fact<ServerFacts> };
  /** The instance that writes until then; `known` is how it was last described, be it now or long ago. */
  from: { instance: Fact<DatabaseServer>; known?: DatabaseServer; server: Fact<ServerFacts> };
  /** The newest heartbeat of the old writer that Muster remembers. */
  lastBeat: Fact<{ at: string }>;
  promotion: Fact<{ last: Promotion | null }>;
};

/**
 * Looks at both servers of a service's database, as what manages them tells and as they say themselves. With facts from
 * before, what manages the old one is not asked again, and an old one that was silent is given less time to speak up.
 */
export async function lookAtDatabase(
  ctx: Context,
  service: string,
  sides: Sides,
  before?: DatabaseFacts,
): Promise<DatabaseFacts> {
  const application = await lookAtApplication(ctx, service, sides);
  const [instances, lastBeat, promotion] = await Promise.all([
    lookAtSides(ctx, sides, application, before),
    lookAtLastBeat(ctx, sides.from),
    lookAtPromotions(ctx, service),
  ]);
  return { databaseDriver: sides.to.driver, application, ...instances, lastBeat, promotion };
}

async function lookAtSides(
  ctx: Context,
  sides: Sides,
  application: DatabaseFacts["application"],
  before: DatabaseFacts | undefined,
): Promise<Pick<DatabaseFacts, "to" | "from">> {
  const { from, to } = sides;
  // The old side's address is recalled first: its region's control plane may be what died.
  const recalled = await recallSide(ctx, from);
  const server = async (name: "from" | "to", instance: DatabaseServer | undefined, within = ctx) => {
    const side = sides[name];
    const endpoint = instance && placeOf(instance);
    const app = seen(application);
    if (!app) return notSeen(ctx, whyUnseen(application) ?? "its database is not known");
    if (!endpoint) return notSeen(ctx, `the address of ${side.instance} is not known`);
    const { selfManaged } = databaseDriver(side.driver);
    const fact = await lookAtServer(within, {
      instance: side.instance,
      database: app.database,
      role: app.role,
      selfManaged,
      ...(instance?.aurora ? { aurora: side.region } : {}),
      ...endpoint,
    });
    // Once is enough: whoever approved has read it.
    if (before || !("seen" in fact) || !fact.seen.role?.canLogIn) return fact;
    const applicationShut = await whyShut(ctx, sides, name, endpoint);
    return applicationShut === undefined ? fact : { ...fact, seen: { ...fact.seen, applicationShut } };
  };
  const lookAtOld = async () => {
    const [instance, early] = await Promise.all([
      lookAtSide(ctx, from),
      recalled ? server("from", recalled) : undefined,
    ]);
    const known = seen(instance) ?? recalled;
    // Where it is asked may have changed since it was remembered: a role of Aurora, a name.
    const isThere = known && recalled && samePlace(placeOf(known), placeOf(recalled));
    return { instance, ...(known ? { known } : {}), server: early && isThere ? early : await server("from", known) };
  };
  const lookAtOldAgain = async (known: DatabaseServer, { from: last }: DatabaseFacts) => {
    const wasSilent = "silent" in last.server;
    return { instance: last.instance, known, server: await server("from", known, wasSilent ? briefly(ctx) : ctx) };
  };
  const [newSide, oldSide] = await Promise.all([
    lookAtSide(ctx, to).then(async (instance) => ({ instance, server: await server("to", seen(instance)) })),
    before && recalled ? lookAtOldAgain(recalled, before) : lookAtOld(),
  ]);
  return { to: newSide, from: oldSide };
}

type Place = { host: string; port: number };

/** Where a server is asked: a secondary of Aurora answers its readers only, and a primary's readers may be led to a replica. */
const placeOf = ({ aurora, endpoint, readEndpoint }: DatabaseServer): Place | undefined =>
  (aurora?.isWriter === false ? readEndpoint : undefined) ?? endpoint;

const samePlace = (one: Place | undefined, other: Place | undefined): boolean =>
  one?.host === other?.host && one?.port === other?.port;
