import type { ClusterEndpoint, ControlState, ControlStates, Readings } from "../adapters/routing-controls.ts";

/** So many endpoints are a majority of the five: what they say is the cluster's word. */
export const quorum = 3;

/**
 * Puts endpoints into the order in which they are asked: around from a first one, as AWS advises, and those in the region
 * that is being left last.
 * @see https://docs.aws.amazon.com/r53recovery/latest/dg/route53-arc-best-practices.regional.html
 */
export function inTurn(
  endpoints: readonly ClusterEndpoint[],
  { chance, leaving }: { /** From 0 to 1. */ chance: number; leaving: string },
): ClusterEndpoint[] {
  const others = endpoints.filter(({ region }) => region !== leaving);
  const first = Math.min(Math.floor(chance * others.length), Math.max(0, others.length - 1));
  const last = endpoints.filter(({ region }) => region === leaving);
  return [...others.slice(first), ...others.slice(0, first), ...last];
}

/** What most endpoints that answered say of each control; one on which they are at odds, or of which nobody told, is left out. */
export function agreedStates(readings: Readings, regions: readonly string[]): ControlStates {
  return Object.fromEntries(
    regions.flatMap((region) => {
      const state = agreedState(readings, region);
      return state ? [[region, state]] : [];
    }),
  );
}

function agreedState(readings: Readings, region: string): ControlState | undefined {
  const told = Object.values(readings).flatMap((reading) => ("states" in reading ? [reading.states[region]] : []));
  const on = told.filter((state) => state === "On").length;
  const off = told.filter((state) => state === "Off").length;
  return on === off ? undefined : on > off ? "On" : "Off";
}

/** The endpoints that tell something else than most, by their regions. */
export function dissenters(readings: Readings, agreed: ControlStates): string[] {
  return Object.entries(readings)
    .flatMap(([endpoint, reading]) =>
      "states" in reading && Object.entries(agreed).some(([region, state]) => reading.states[region] !== state)
        ? [endpoint]
        : [],
    )
    .toSorted();
}

/** Says of each endpoint that did not answer why not, a clause each; in one order, however they were asked. */
export const silences = (readings: Readings): string[] =>
  Object.entries(readings)
    .flatMap(([region, reading]) => ("failed" in reading ? [`${region} ${reading.failed}`] : []))
    .toSorted();

/** The states in which every customer is sent to one region. */
export const statesFor = (toRegion: string, regions: readonly string[]): ControlStates =>
  Object.fromEntries(regions.map((region) => [region, region === toRegion ? "On" : "Off"]));

/** Says which control is not in its wanted state: the one to be switched on first. */
export function misplaced(agreed: ControlStates, wanted: ControlStates): string | undefined {
  const onFirst = Object.entries(wanted).toSorted(([, left], [, right]) =>
    left === right ? 0 : left === "On" ? -1 : 1,
  );
  const [region, state] = onFirst.find(([each, wantedState]) => agreed[each] !== wantedState) ?? [];
  if (region === undefined) return undefined;
  const now = agreed[region];
  return now
    ? `the routing control of ${region} is ${now}, not ${state}`
    : `the endpoints of the recovery cluster are at odds about the routing control of ${region}`;
}
