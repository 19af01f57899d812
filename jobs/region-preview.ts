import { spell } from "../src/engine/judge.ts";
import type { Plan } from "../src/engine/plan.ts";
import { keepsData, type FailoverFacts } from "../src/facts/failover.ts";
import { predictedLoss, reachedBySomebody } from "../src/facts/moves.ts";
import type { RegionFacts } from "../src/facts/region.ts";
import type { Mode } from "../src/steps/targets.ts";
import type { StartWaveInput } from "../src/steps/start-wave.ts";
import { driverOf } from "../src/facts/traffic/index.ts";
import { sharesOf, spellShares } from "./claims.ts";
import { forecastSeconds } from "./forecast.ts";
import type { Preview } from "./job.ts";
import { modeOf } from "./mode.ts";
import { outOfPlan } from "./region-left.ts";

type Row = Preview["rows"][number];

/** Shows the move of a whole region as people read it before they approve: one row a service, wave by wave. Pure. */
export function previewRegion(plan: Plan, facts: RegionFacts): Preview {
  const waves = wavesIn(plan);
  const moving = waves.flat();
  const there = outOfPlan(facts).filter(({ kind }) => kind === "there");
  const lost = moving.map((service) => lossOf(plan, facts, service));
  return {
    headline: `Move ${moving.length} ${moving.length === 1 ? "service" : "services"} to ${facts.toRegion}, in ${waves.length} ${waves.length === 1 ? "wave" : "waves"}.`,
    mode: moving.some((service) => modeIn(facts, service, forceOf(plan)) === "ungraceful") ? "ungraceful" : "graceful",
    rows: [
      lossRow(lost),
      timeRow(plan, facts, waves),
      ...waves.flatMap((services, index) => services.map((service) => serviceRow(plan, facts, service, index + 1))),
      ...(there.length > 0
        ? [{ label: "There already", value: there.map(({ service }) => service).join(", "), tone: "good" as const }]
        : []),
      ...dependenceRows(moving.flatMap((service) => facts.services[service] ?? [])),
      {
        label: "May approve",
        value: `${plan.approvers.join(", ")}: ${plan.needed} of them, not the one who asked`,
      },
    ],
    diffs: moving.flatMap((service) => {
      const own = facts.services[service];
      const shares = own && sharesOf(own);
      const after = Object.fromEntries(
        Object.keys(shares ?? {}).map((region) => [region, region === facts.toRegion ? 100 : 0]),
      );
      return shares
        ? [{ what: `DNS shares of ${own.dns.name.name}`, from: spellShares(shares), to: spellShares(after) }]
        : [];
    }),
    warnings: plan.warnings,
    blockers: plan.blockers,
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

function serviceRow(plan: Plan, facts: RegionFacts, service: string, wave: number): Row {
  const own = facts.services[service];
  if (!own) return { label: `${wave}. ${service}`, value: "not seen", tone: "bad" };
  const mode = modeIn(facts, service, forceOf(plan));
  const loss = lossOf(plan, facts, service);
  const nodes = plan.nodes.filter((node) => node.service === service);
  const seconds = forecastSeconds(nodes, weatherOf(own));
  const missed = loss === undefined || loss > own.objectives.rpoSeconds;
  return {
    label: `${wave}. ${service}`,
    value: `${mode}, ${spellLoss(loss)}, about ${minutes(seconds)} once its wave begins (objective ${spell(own.objectives.rtoSeconds)})`,
    tone: mode === "ungraceful" || missed ? "bad" : "good",
  };
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
function timeRow(plan: Plan, facts: RegionFacts, waves: string[][]): Row {
  const slowest = waves.map((services) =>
    Math.max(
      0,
      ...services.map((service) => {
        const own = facts.services[service];
        const nodes = plan.nodes.filter((node) => node.service === service);
        return own ? forecastSeconds(nodes, weatherOf(own)) : 0;
      }),
    ),
  );
  const total = slowest.reduce((sum, seconds) => sum + seconds, 0);
  const each = slowest.map((seconds) => minutes(seconds)).join(", then ");
  return { label: "Time to recover", value: `about ${minutes(total)} for all${waves.length > 1 ? `: ${each}` : ""}` };
}

const minutes = (seconds: number): string => spell(seconds < 120 ? Math.ceil(seconds) : Math.ceil(seconds / 60) * 60);

const weatherOf = (own: FailoverFacts) => ({
  oldSideSilent: keepsData(own) && !reachedBySomebody(own),
  ttlSeconds: own.dns.name.ttl,
});

/** How one service would be moved; one without data is moved in one way only. Pure. */
export function modeIn({ services }: RegionFacts, service: string, force?: "ungraceful"): Mode {
  const own = services[service];
  return own && keepsData(own) ? modeOf(own, force) : "graceful";
}

const forceOf = ({ input }: Plan) => (input as { force?: "ungraceful" }).force;

function lossOf(plan: Plan, facts: RegionFacts, service: string): number | undefined {
  const own = facts.services[service];
  if (!own) return undefined;
  if (!keepsData(own)) return 0;
  return modeIn(facts, service, forceOf(plan)) === "graceful" ? 0 : predictedLoss(own);
}
