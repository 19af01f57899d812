import { spell } from "../../src/spelling.ts";
import type { Plan, PlanNode } from "../../src/engine/plan.ts";
import { keepsData, type FailoverFacts } from "../../src/facts/failover.ts";
import { foreseenLoss, reachedBySomebody } from "../../src/facts/moves.ts";
import type { RegionFacts } from "../../src/facts/region.ts";
import type { Mode } from "../../src/steps/targets.ts";
import type { StartWaveInput } from "../../src/steps/start-wave.ts";
import { driverOf } from "../../src/facts/traffic/index.ts";
import { sharesOf, spellShares } from "../claims.ts";
import { forecastSeconds, spellForecast } from "./forecast.ts";
import type { Preview } from "../job.ts";
import { modeOf } from "../mode.ts";
import { approversRow, namesMoveIn } from "./failover.ts";
import { outOfPlan } from "./region-left.ts";

type Row = Preview["rows"][number];

/** Shows the move of a whole region as people read it before they approve: one row a service, wave by wave. Pure. */
export function previewRegion(plan: Plan, facts: RegionFacts): Preview {
  const waves = wavesIn(plan);
  const moving = waves.flat();
  const rowsOf = new ServiceRows(plan, facts);
  const there = outOfPlan(facts).filter(({ kind }) => kind === "there");
  const lost = moving.map((service) => lossOf(plan, facts, service));
  return {
    headline: `Move ${moving.length} ${moving.length === 1 ? "service" : "services"} to ${facts.toRegion}, in ${waves.length} ${waves.length === 1 ? "wave" : "waves"}.`,
    mode: moving.some((service) => modeIn(facts, service, forceOf(plan)) === "ungraceful") ? "ungraceful" : "graceful",
    rows: [
      lossRow(lost),
      timeRow(waves, rowsOf),
      ...(moving.length > mostRows ? waveRows(waves, rowsOf) : serviceRows(waves, rowsOf)),
      ...(there.length > 0
        ? [{ label: "There already", value: there.map(({ service }) => service).join(", "), tone: "good" as const }]
        : []),
      namesRow(moving, rowsOf),
      ...dependenceRows(moving.flatMap((service) => facts.services[service] ?? [])),
      approversRow(plan),
    ],
    diffs: diffsOf(moving, facts),
    warnings: plan.warnings,
    blockers: plan.blockers,
  };
}

/** When names move: of how many services before everything is proven. */
function namesRow(moving: readonly string[], of: ServiceRows): Row {
  const beside = moving.filter((service) => of.namesMoveBeside(service));
  const label = "Names move";
  if (beside.length === 0) return { label, value: "last, once everything there is proven" };
  const others = beside.length === moving.length ? "" : `; last for the other ${moving.length - beside.length}`;
  return {
    label,
    value: `beside the promotion for ${beside.length} of ${moving.length}, whose customers nobody serves and the new region turns away until its database takes writes${others}`,
  };
}

/** What moving customers leans on, each thing once, with how many services lean on it. */
function dependenceRows(services: FailoverFacts[]): Row[] {
  const all = services.map((own) => driverOf(own.dns).dependence(own));
  const values = [...new Set(all.map(({ region, value }) => `${region}|${value}`))];
  return values.map((key) => {
    const same = all.filter(({ region, value }) => `${region}|${value}` === key);
    const [first] = same;
    const many = same.length < all.length ? ` (${same.length} of ${all.length} services)` : "";
    return { label: `Depends on ${first?.region}`, value: `${first?.value}${many}`, tone: first?.tone ?? "bad" };
  });
}

/** The waves of a plan, each the services that go side by side; what a wave waits for tells who is in the one before. */
export function wavesIn({ nodes, locks }: Plan): string[][] {
  const before = nodes
    .filter(({ step }) => step === "start-wave")
    .map(({ input }) => input as StartWaveInput)
    .toSorted((left, right) => left.wave - right.wave)
    .map((input) => input.before);
  const last = locks.filter((service) => !before.flat().includes(service));
  return [...before, last.toSorted((left, right) => (left < right ? -1 : 1))].filter((wave) => wave.length > 0);
}

/** More services than this are shown wave by wave, and one by one only those that are not as they should be. */
const mostRows = 40;

/** What is foreseen of each service; its steps are looked up once. */
class ServiceRows {
  readonly #plan: Plan;
  readonly #facts: RegionFacts;
  readonly #nodes: Map<string, PlanNode[]>;

  constructor(plan: Plan, facts: RegionFacts) {
    this.#plan = plan;
    this.#facts = facts;
    this.#nodes = Map.groupBy(plan.nodes, ({ service }) => service);
  }

  /** How long it takes once its wave has begun, in seconds. */
  seconds(service: string): number {
    const own = this.#facts.services[service];
    return own ? forecastSeconds(this.#nodes.get(service) ?? [], weatherOf(own)) : 0;
  }

  namesMoveBeside(service: string): boolean {
    const own = this.#facts.services[service];
    const nodes = this.#nodes.get(service) ?? [];
    return own !== undefined && namesMoveIn({ nodes }, own, forceOf(this.#plan)).when === "beside";
  }

  row(service: string, wave: number): Row {
    const label = `${wave}. ${service}`;
    const own = this.#facts.services[service];
    if (!own) return { label, value: "not seen", tone: "bad" };
    const mode = modeIn(this.#facts, service, forceOf(this.#plan));
    const loss = lossOf(this.#plan, this.#facts, service);
    const missed = loss === undefined || loss > own.objectives.rpoSeconds;
    return {
      label,
      value: `${mode}, ${spellLoss(loss)}, about ${spellForecast(this.seconds(service))} once its wave begins (objective ${spell(own.objectives.rtoSeconds)})`,
      tone: mode === "ungraceful" || missed ? "bad" : "good",
    };
  }
}

const serviceRows = (waves: string[][], of: ServiceRows): Row[] =>
  waves.flatMap((services, index) => services.map((service) => of.row(service, index + 1)));

function waveRows(waves: string[][], of: ServiceRows): Row[] {
  const all = serviceRows(waves, of);
  const bad = all.filter(({ tone }) => tone !== "good");
  const left = bad.length - mostRows;
  return [
    ...waves.map((services, index): Row => {
      const slowest = Math.max(...services.map((service) => of.seconds(service)));
      const odd = bad.filter(({ label }) => label.startsWith(`${index + 1}. `)).length;
      const well = odd === 0 ? "graceful, and nothing is lost" : `${odd} of them ungraceful or with a loss`;
      const value = `${services.length} services, ${well}, about ${spellForecast(slowest)} once it begins`;
      return { label: `Wave ${index + 1}`, value, tone: odd === 0 ? "good" : "bad" };
    }),
    ...bad.slice(0, mostRows),
    ...(left > 0 ? [{ label: "And", value: `${left} more like these`, tone: "bad" as const }] : []),
  ];
}

/** The records that would be changed: name by name, or how many of them where that is more than anybody reads. */
function diffsOf(moving: string[], facts: RegionFacts): Preview["diffs"] {
  const diffs = moving.flatMap((service) => {
    const own = facts.services[service];
    const shares = own && sharesOf(own);
    if (!shares) return [];
    const after = Object.fromEntries(
      Object.keys(shares).map((region) => [region, region === facts.toRegion ? 100 : 0]),
    );
    return [{ name: own.dns.name.name, from: spellShares(shares), to: spellShares(after) }];
  });
  if (diffs.length <= mostRows)
    return diffs.map(({ name, ...change }) => ({ what: `DNS shares of ${name}`, ...change }));
  return [...Map.groupBy(diffs, ({ from, to }) => `${from} ${to}`).values()].flatMap((same) => {
    const [first] = same;
    if (!first) return [];
    const { from, to } = first;
    return [{ what: `DNS shares of ${same.length === 1 ? first.name : `${same.length} names`}`, from, to }];
  });
}

const spellLoss = (loss: number | undefined): string =>
  loss === undefined ? "loss unknown" : loss === 0 ? "loses nothing" : `loses up to ${loss} s`;

/** The worst of all: nobody reads forty figures before they approve. */
function lossRow(losses: (number | undefined)[]): Row {
  const label = "Writes lost";
  if (losses.includes(undefined)) return { label, value: "unknown for some of them", tone: "bad" };
  const worst = Math.max(0, ...losses.map((loss) => loss ?? 0));
  return worst === 0
    ? { label, value: "none: writes stop first, then the replicas catch up", tone: "good" }
    : { label, value: `up to ${worst} s, at the worst of them`, tone: "warn" };
}

/** The waves one after another, each as long as its slowest service. */
function timeRow(waves: string[][], of: ServiceRows): Row {
  const slowest = waves.map((services) => Math.max(0, ...services.map((service) => of.seconds(service))));
  const total = slowest.reduce((sum, seconds) => sum + seconds, 0);
  const each = slowest.map((seconds) => spellForecast(seconds)).join(", then ");
  return {
    label: "Time to recover",
    value: `about ${spellForecast(total)} for all${waves.length > 1 ? `: ${each}` : ""}`,
  };
}

const weatherOf = (own: FailoverFacts) => ({
  oldSideSilent: keepsData(own) && !reachedBySomebody(own),
  ttlSeconds: own.dns.name.ttl,
});

/** How one service would be moved; one without data is moved in one way only. Pure. */
function modeIn({ services }: RegionFacts, service: string, force?: "ungraceful"): Mode {
  const own = services[service];
  return own && keepsData(own) ? modeOf(own, force) : "graceful";
}

const forceOf = ({ input }: Plan) => (input as { force?: "ungraceful" }).force;

function lossOf(plan: Plan, facts: RegionFacts, service: string): number | undefined {
  const own = facts.services[service];
  if (!own) return undefined;
  if (!keepsData(own)) return 0;
  return foreseenLoss(own, modeIn(facts, service, forceOf(plan)));
}
