import { isBroken } from "../../src/engine/break-glass.ts";
import { capital, spell } from "../../src/spelling.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { seen, whyUnseen } from "../../src/facts/fact.ts";
import { keepsData, type FailoverFacts } from "../../src/facts/failover.ts";
import type { PodFacts } from "../../src/facts/pods.ts";
import type { Shares } from "../../src/facts/traffic/driver.ts";
import { driverOf } from "../../src/facts/traffic/index.ts";
import { admitTraffic } from "../../src/steps/admit-traffic.ts";
import { ttlOf } from "../../src/facts/traffic/traps.ts";
import { sharesOf, spellShares } from "../claims.ts";
import { gitOpsRows } from "../gitops.ts";
import { forecastSeconds, spellForecast } from "./forecast.ts";
import type { Preview } from "../job.ts";
import { modeOf } from "../mode.ts";
import { whenNamesMove, type NamesMove } from "../when-names-move.ts";
import { askedAgain, previewDatabase, previewNoDatabase, type DatabasePreview } from "./database.ts";

type Row = Preview["rows"][number];

/** Shows what a failover stands on and what it would change, as people read it before they approve. Pure. */
export function previewFailover(plan: Plan, facts: FailoverFacts, force: "ungraceful" | undefined): Preview {
  const database = keepsData(facts) ? previewDatabase(facts, modeOf(facts, force)) : previewNoDatabase(facts);
  const namesMove = namesMoveIn(plan, facts, force);
  return {
    headline: `${capital(plan.title)}${database.headline}.`,
    mode: database.mode,
    rows: [
      customersRow(facts),
      ...database.rows,
      timeRow(plan, facts, database, namesMove),
      ...podRows(facts),
      ...gitOpsRows(plan, facts),
      edgeRow(facts),
      dnsRow(facts),
      ...namesRows(plan, namesMove),
      dependenceRow(facts),
      provenByUseRow(facts, database),
      ...announcementRows(plan),
      approversRow(plan),
      rulesRow(plan, database),
    ],
    diffs: [...database.diffs, ...diffsOf(facts)],
    warnings: plan.warnings,
    blockers: plan.blockers,
  };
}

function customersRow({ probes }: FailoverFacts): Row {
  const label = "Customers now";
  const last = seen(probes);
  if (!last) return { label, value: `not known: ${whyUnseen(probes) ?? "no answer"}` };
  if (last.ok) return { label, value: `served (probe at ${clockOf(last.at)})`, tone: "good" };
  const why = last.why ? `: it ${last.why}` : "";
  return { label, value: `not served since ${clockOf(last.redSince ?? last.at)}${why}`, tone: "bad" };
}

function timeRow(plan: Plan, facts: FailoverFacts, { oldSideSilent }: DatabasePreview, { when }: NamesMove): Row {
  if (plan.nodes.length === 0)
    return { label: "Time to recover", value: "unknown: it cannot be approved as things are" };
  const { rtoSeconds } = facts.objectives;
  const ttlSeconds = ttlOf(facts);
  const seconds = forecastSeconds(plan.nodes, { oldSideSilent, ttlSeconds });
  const since = seen(facts.probes)?.redSince;
  const ofIt = when === "last" ? `, ${ttlSeconds} s of it the records' TTL` : "";
  const lost = since === undefined ? 0 : Math.max(0, (Date.parse(facts.lookedAt) - Date.parse(since)) / 1000);
  return {
    label: "Time to recover",
    value: `about ${spellForecast(seconds)} from the last approval${ofIt} (objective ${spell(rtoSeconds)}${lost > 0 ? `, ${spellForecast(lost)} of it gone` : ""})`,
    ...(seconds + lost > rtoSeconds ? { tone: "bad" as const } : {}),
  };
}

function podRows(facts: FailoverFacts): Row[] {
  return facts.pods.map(({ side, deployment, found, autoscaler }) => {
    const label = `Pods ${deployment.region}`;
    const now = seen(found);
    if (!now) return { label, value: whyUnseen(found) ?? "not seen", tone: side === "to" ? "bad" : "warn" };
    const wanted = podsAfterwards(facts, { side, deployment });
    const afterwards = wanted === undefined ? "they stay" : `${wanted} wanted afterwards`;
    const owner = autoscaler && seen(autoscaler)?.owner;
    const by = owner ? `; the autoscaler ${owner.name} keeps ${owner.min} to ${owner.max}` : "";
    return { label, value: `${now.ready} ready of ${now.replicas} asked for; ${afterwards}${by}` };
  });
}

/** How many pods a deployment is to have after the move; undefined where they stay, because no data is served by them. */
function podsAfterwards(facts: FailoverFacts, { side, deployment }: Omit<PodFacts, "found">): number | undefined {
  if (side === "to") return deployment.replicas;
  return keepsData(facts) ? 0 : undefined;
}

function edgeRow({ edge, toRegion }: FailoverFacts): Row {
  const label = `Front door ${toRegion}`;
  const now = seen(edge);
  if (!now) return { label, value: whyUnseen(edge) ?? "not seen", tone: "warn" };
  const certificate =
    now.certificateCovers === undefined
      ? ""
      : `, certificate ${now.certificateCovers ? "covers" : "does not cover"} the name`;
  return {
    label,
    value: `${now.ok ? `healthy in ${now.tookMs} ms` : `not healthy yet: it ${now.why ?? "is red"}`}${certificate}`,
    ...(now.certificateCovers === false ? { tone: "bad" as const } : {}),
  };
}

function dnsRow(facts: FailoverFacts): Row {
  const shares = sharesOf(facts);
  const label = "DNS now";
  if (!shares)
    return { label, value: whyUnseen(facts.dns.control?.found ?? facts.dns.records) ?? "not seen", tone: "bad" };
  return { label, value: `${facts.dns.name.name}: ${spellShares(shares)}, TTL ${ttlOf(facts)} s` };
}

/** When the names of one service move, as its own nodes of a plan and its facts tell. */
export function namesMoveIn(
  { nodes }: Pick<Plan, "nodes">,
  facts: FailoverFacts,
  force: "ungraceful" | undefined,
): NamesMove {
  const admission = nodes.some(({ step }) => step === admitTraffic.name) ? "person" : "automatic";
  return whenNamesMove(facts, { admission }, keepsData(facts) ? { facts, mode: modeOf(facts, force) } : undefined);
}

/** When names move, and why then: most of all where that is not last. */
function namesRows({ nodes }: Plan, { when, because }: NamesMove): Row[] {
  if (nodes.length === 0) return [];
  return [{ label: "Names move", value: `${when === "last" ? "last" : "beside the promotion"}: ${because}` }];
}

function dependenceRow(facts: FailoverFacts): Row {
  const { region, value, tone } = driverOf(facts.dns).dependence(facts);
  return { label: `Depends on ${region}`, value, tone };
}

/** No service tells beforehand, and these rights are only needed when there is no time left to ask for them. */
function provenByUseRow({ dns }: FailoverFacts, { provenByUse }: DatabasePreview): Row {
  const rights = [...provenByUse, driverOf(dns).right].join(" and ");
  return { label: "Rights not proven", value: `${rights}: AWS tells only when they are used`, tone: "warn" };
}

/** What customers will read, in the words they will read first. */
function announcementRows({ announcements = [] }: Plan): Row[] {
  const [first] = announcements;
  const body = first?.payload.lines[0];
  return body === undefined ? [] : [{ label: "Customers are told", value: `on the status page: "${body}"` }];
}

/** Who may approve a plan, and how many of them must. */
export function approversRow(plan: Plan): Row {
  const who = `${plan.approvers.join(", ")}: ${plan.needed} of them`;
  if (isBroken(plan, "requester"))
    return { label: "May approve", value: `${who}, also the one who asked`, tone: "bad" };
  return { label: "May approve", value: `${who}, not the one who asked` };
}

const acceptedBy = (name: string | undefined): string =>
  `loss over the objective: ${name} accepted it, and nobody is asked`;

/** Which of Muster's rules this plan runs into, beside those that hold for every plan. */
function rulesRow(plan: Plan, { rules, mode }: DatabasePreview): Row {
  const { nodes, blockers, breakGlass } = plan;
  const label = "Rules hit";
  const oneWay = nodes.find((node) => node.oneWay !== undefined);
  const all = [
    ...(breakGlass ? [`broken: ${breakGlass.rules.join(", ")}`] : []),
    ...(blockers.length > 0 ? ["blocked: nobody can approve it as things are"] : []),
    ...rules.map((rule) => (rule === askedAgain && isBroken(plan, "loss") ? acceptedBy(breakGlass?.by) : rule)),
    ...(oneWay ? [`no undo once Muster begins to ${oneWay.title}`] : []),
  ];
  if (all.length === 0) return { label, value: "none: it can be taken back until it ends", tone: "good" };
  const isBad = breakGlass !== undefined || blockers.length > 0 || mode === "ungraceful";
  return { label, value: all.join("; "), tone: isBad ? "bad" : "warn" };
}

function diffsOf(facts: FailoverFacts): Preview["diffs"] {
  const shares = sharesOf(facts);
  return [
    ...facts.pods.flatMap(({ side, deployment, autoscaler }) => {
      const owner = side === "to" && autoscaler ? seen(autoscaler)?.owner : undefined;
      if (!owner || owner.min >= deployment.replicas) return [];
      const what = `Least pods of the autoscaler ${deployment.namespace}/${owner.name} (${deployment.region})`;
      return [{ what, from: String(owner.min), to: String(deployment.replicas) }];
    }),
    ...facts.pods.flatMap(({ side, deployment, found }) => {
      const now = seen(found)?.replicas;
      const wanted = podsAfterwards(facts, { side, deployment });
      if (wanted === undefined || now === wanted) return [];
      const what = `Pods of ${deployment.namespace}/${deployment.name} (${deployment.region})`;
      return [{ what, from: now === undefined ? "unknown" : String(now), to: String(wanted) }];
    }),
    ...(shares
      ? [
          {
            what: `DNS shares of ${facts.dns.name.name}`,
            from: spellShares(shares),
            to: spellShares(after(shares, facts.toRegion)),
          },
        ]
      : []),
  ];
}

const after = (shares: Shares, toRegion: string): Shares =>
  Object.fromEntries(Object.keys(shares).map((region) => [region, region === toRegion ? 100 : 0]));

const clockOf = (at: string): string => `${at.slice(11, 19)} UTC`;
