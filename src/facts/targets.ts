import { UserError } from "../errors.ts";
import type { ConfigKey, Database, Deployment, Estate, GitOpsEntry, SecretReference, Service } from "../estate.ts";
import { sidesOf } from "./databases/index.ts";

/** One server of a database pair, whatever manages it. */
export type Side = {
  driver: Database["driver"];
  region: string;
  /** What people call it: the identifier of the RDS instance or the Aurora cluster, or the host of a server that nobody else manages. */
  instance: string;
  /** The global cluster that it belongs to, where it is one of Aurora. */
  global?: string;
  /** Where it answers, where the estate says so and not RDS. */
  endpoint?: { host: string; port: number };
  appRole?: SecretReference | undefined;
};

/** A database's two instances: the one that writes after a move, and the one that writes before it. */
export type Sides = { to: Side; from: Side };

/** What a move of one service to a region is about, every thing named. */
export type Targets = {
  name: string;
  service: Service;
  toRegion: string;
  /**
   * The regions that a move may lead out of, in the estate's order: that of the database's other instance, or, without a
   * database, every other region the service runs in. Which of them people are in is a fact (`FailoverFacts.fromRegion`).
   */
  fromRegions: [string, ...string[]];
  /** Undefined for a service that keeps no data of its own. */
  database: Sides | undefined;
  deployments: { to: Deployment[]; from: Deployment[] };
  configs: ConfigKey[];
  /** What keeps the objects of both sides as Git says; without a database nothing is changed on the side that is left. */
  gitops: { to: GitOpsEntry[]; from: GitOpsEntry[] };
  /** The front door of the region that people move to; undefined where the estate names none. */
  edge: string | undefined;
};

/**
 * Lists the regions that a service can be moved to, in the estate's order: those of its databases, or, where it keeps no
 * data, those it runs in. Where it is one alone, nothing can be moved.
 * @throws UserError when the estate has no such service.
 */
export function homesOf(estate: Estate, name: string): string[] {
  const { databases, deployments } = serviceOf(estate, name);
  const homes = (databases.length > 0 ? databases.flatMap(sidesOf) : deployments).map(({ region }) => region);
  return estate.regions.filter((region) => homes.includes(region));
}

function serviceOf(estate: Estate, name: string): Service {
  const service = Object.hasOwn(estate.services, name) ? estate.services[name] : undefined;
  if (!service) throw refusal(`"${name}" is not a service in the estate file`, estate);
  return service;
}

/**
 * Finds everything of a service that a move to a region touches. Which instance writes today is a fact, not a setting: the
 * one in the region asked for is the one that shall write.
 * @throws UserError when the estate has no such region or service, or the service is not in that region, or in no other.
 */
export function targetsOf(estate: Estate, name: string, toRegion: string): Targets {
  if (!estate.regions.includes(toRegion)) throw refusal(`"${toRegion}" is not a region in the estate file`, estate);
  const service = serviceOf(estate, name);
  const sides = service.databases.flatMap(sidesOf);
  const homes = homesOf(estate, name);
  if (!homes.includes(toRegion))
    throw refusal(`${name} has no ${sides.length > 0 ? "database" : "deployment"} in ${toRegion}`, estate);
  const [first, ...others] = homes.filter((region) => region !== toRegion);
  if (first === undefined) throw refusal(`${name} is in no other region than ${toRegion}`, estate);
  const fromRegions: Targets["fromRegions"] = [first, ...others];
  return {
    name,
    service,
    toRegion,
    fromRegions,
    database: pairOf(sides, toRegion),
    deployments: {
      to: service.deployments.filter((deployment) => deployment.region === toRegion),
      from: service.deployments.filter((deployment) => fromRegions.includes(deployment.region)),
    },
    configs: service.configs.filter((config) => config.region === toRegion),
    gitops: {
      to: service.gitops.filter((entry) => entry.region === toRegion),
      from: service.gitops.filter((entry) => sides.length > 0 && fromRegions.includes(entry.region)),
    },
    edge: service.health.edges[toRegion],
  };
}

function pairOf(sides: readonly Side[], toRegion: string): Sides | undefined {
  const to = sides.find(({ region }) => region === toRegion);
  const from = sides.find(({ region }) => region !== toRegion);
  return to && from && { to, from };
}

function refusal(happened: string, estate: Estate): UserError {
  return new UserError({
    happened: `${happened}.`,
    means: "Nothing was changed.",
    todo: `Name one of the regions ${estate.regions.join(", ")} and one of the services ${Object.keys(estate.services).join(", ")}.`,
  });
}
