import { UserError } from "../errors.ts";
import type { ConfigKey, Database, Deployment, Estate, Service } from "../estate.ts";

export type Side = Database["writer"];

/** What a move of one service to a region is about, every thing named. */
export type Targets = {
  name: string;
  service: Service;
  toRegion: string;
  fromRegion: string;
  /** The database's two instances: the one that writes after the move, and the one that writes before it. */
  to: Side;
  from: Side;
  deployments: { to: Deployment[]; from: Deployment[] };
  configs: ConfigKey[];
  /** The front door of the region that people move to; undefined where the estate names none. */
  edge: string | undefined;
};

/**
 * Finds everything of a service that a move to a region touches. Which instance writes today is a fact, not a setting: the
 * one in the region asked for is the one that shall write.
 * @throws UserError when the estate has no such region or service, or the service has no database there.
 */
export function targetsOf(estate: Estate, name: string, toRegion: string): Targets {
  const service = Object.hasOwn(estate.services, name) ? estate.services[name] : undefined;
  if (!estate.regions.includes(toRegion)) throw refusal(`"${toRegion}" is not a region in the estate file`, estate);
  if (!service) throw refusal(`"${name}" is not a service in the estate file`, estate);
  const [database] = service.databases;
  const sides = database ? [database.writer, database.replica] : [];
  const to = sides.find((side) => side.region === toRegion);
  const from = sides.find((side) => side.region !== toRegion);
  if (!to || !from) throw refusal(`${name} has no database in ${toRegion}`, estate);
  return {
    name,
    service,
    toRegion,
    fromRegion: from.region,
    to,
    from,
    deployments: {
      to: service.deployments.filter((deployment) => deployment.region === toRegion),
      from: service.deployments.filter((deployment) => deployment.region === from.region),
    },
    configs: service.configs.filter((config) => config.region === toRegion),
    edge: service.health.edges[toRegion],
  };
}

function refusal(happened: string, estate: Estate): UserError {
  return new UserError({
    happened: `${happened}.`,
    means: "Nothing was changed.",
    todo: `Name one of the regions ${estate.regions.join(", ")} and one of the services ${Object.keys(estate.services).join(", ")}.`,
  });
}
