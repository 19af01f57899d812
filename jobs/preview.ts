import { isBroken } from "../src/engine/break-glass.ts";
import { spell } from "../src/engine/judge.ts";
import type { Plan } from "../src/engine/plan.ts";
import { seen, whyUnseen } from "../src/facts/fact.ts";
import type { FailoverFacts } from "../src/facts/failover.ts";
import { lagOf, predictedLoss, reachedBySomebody, seenFrom } from "../src/facts/moves.ts";
import { readyToPromote } from "../src/facts/replica.ts";
import type { Mode } from "../src/steps/targets.ts";
import { spellWeights, weightsOf } from "./claims.ts";
import { keyName } from "./config-keys.ts";
import { forecastSeconds } from "./forecast.ts";
import type { Preview } from "./job.ts";
import { spellOldSide, spellReach } from "./old-side.ts";

type Row = Preview["rows"][number];

/** Shows what a failover stands on and what it would change, as people read it before they approve. Pure. */
export function previewFailover(plan: Plan, facts: FailoverFacts, mode: Mode): Preview {
  return {
    headline: `${plan.title[0]?.toUpperCase() ?? ""}${plan.title.slice(1)}, ${spellOldSide(facts, mode)}.`,
    mode,
    rows: [
      customersRow(facts),
      oldSideRow(facts),
      replicaRow(facts),
      lagRow(facts),
      lossRow(facts, mode),
      timeRow(plan, facts),
      ...podRows(facts),
      edgeRow(facts),
      dnsRow(facts),
      dependenceRow(facts),
      provenByUseRow(),
      approversRow(plan),
      rulesRow(plan, facts, mode),
    ],
    diffs: diffsOf(facts),
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

function oldSideRow(facts: FailoverFacts): Row {
  const { muster, replica } = seenFrom(facts);
  const tone = muster === "yes" && replica === "yes" ? "good" : reachedBySomebody(facts) ? "warn" : "bad";
  return { label: `Old side (${facts.fromRegion})`, value: spellReach(facts), tone };
}

function replicaRow({ to }: FailoverFacts): Row {
  const label = "Replica";
  const instance = seen(to.instance);
  if (!instance) return { label, value: whyUnseen(to.instance) ?? "not seen", tone: "bad" };
  const parts = [
    `${instance.id}: ${instance.status}`,
    instance.sourceId === undefined ? "not a replica" : (instance.replication ?? "replication unknown"),
    instance.hasBackup ? "has a backup" : "no backup yet",
  ];
  const ready = instance.sourceId === undefined ? "no" : readyToPromote(instance.status);
  return { label, value: parts.join(", "), tone: ready === "yes" ? "good" : ready === "later" ? "warn" : "bad" };
}

function lagRow(facts: FailoverFacts): Row {
  const { seconds, bytes, unappliedBytes } = lagOf(facts);
  const beat = seconds === undefined ? "unknown by heartbeat" : `${Math.ceil(seconds)} s by heartbeat`;
  const applied =
    unappliedBytes === undefined ? "unknown by log" : `${spellBytes(unappliedBytes)} arrived and not applied`;
  return {
    label: "Replica behind",
    value: `${beat}, ${bytes === undefined ? applied : `${spellBytes(bytes)} by log`}`,
  };
}

function lossRow(facts: FailoverFacts, mode: Mode): Row {
  const label = "Writes lost";
  const { rpoSeconds } = facts.objectives;
  if (mode === "graceful")
    return { label, value: "none: writes stop first, then the replica catches up", tone: "good" };
  const seconds = predictedLoss(facts);
  if (seconds === undefined) return { label, value: `unknown (objective ${spell(rpoSeconds)})`, tone: "bad" };
  const value = `up to ${seconds} s (objective ${spell(rpoSeconds)})`;
  return { label, value, tone: seconds > rpoSeconds ? "bad" : "warn" };
}

function timeRow(plan: Plan, facts: FailoverFacts): Row {
  if (plan.nodes.length === 0)
    return { label: "Time to recover", value: "unknown: it cannot be approved as things are" };
  const { rtoSeconds } = facts.objectives;
  const ttlSeconds = ttlOf(facts);
  const seconds = forecastSeconds(plan.nodes, { oldSideSilent: !reachedBySomebody(facts), ttlSeconds });
  const since = seen(facts.probes)?.redSince;
  const lost = since === undefined ? 0 : Math.max(0, (Date.parse(facts.lookedAt) - Date.parse(since)) / 1000);
  return {
    label: "Time to recover",
    value: `about ${spellTime(seconds)} from the second approval, ${ttlSeconds} s of it the records' TTL (objective ${spell(rtoSeconds)}${lost > 0 ? `, ${spellTime(lost)} of it gone` : ""})`,
    ...(seconds + lost > rtoSeconds ? { tone: "bad" as const } : {}),
  };
}

function podRows({ pods }: FailoverFacts): Row[] {
  return pods.map(({ side, deployment, found }) => {
    const label = `Pods ${deployment.region}`;
    const now = seen(found);
    if (!now) return { label, value: whyUnseen(found) ?? "not seen", tone: side === "to" ? "bad" : "warn" };
    const wanted = side === "to" ? deployment.replicas : 0;
    return { label, value: `${now.ready} ready of ${now.replicas} asked for; ${wanted} wanted afterwards` };
  });
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
  const weights = weightsOf(facts);
  const label = "DNS now";
  if (!weights) return { label, value: whyUnseen(facts.dns.records) ?? "not seen", tone: "bad" };
  return { label, value: `${facts.dns.name.name}: ${spellWeights(weights)}, TTL ${ttlOf(facts)} s` };
}

function dependenceRow({ fromRegion }: FailoverFacts): Row {
  const label = "Depends on us-east-1";
  const value = "the records: Route 53's control plane is there";
  return { label, value, tone: fromRegion === "us-east-1" ? "bad" : "warn" };
}

/** Neither service tells beforehand, and both rights are only needed when there is no time left to ask for them. */
function provenByUseRow(): Row {
  const value = "rds:PromoteReadReplica and route53:ChangeResourceRecordSets: AWS tells only when they are used";
  return { label: "Rights not proven", value, tone: "warn" };
}

function approversRow(plan: Plan): Row {
  const who = `${plan.approvers.join(", ")}: ${plan.needed} of them`;
  if (isBroken(plan, "requester"))
    return { label: "May approve", value: `${who}, also the one who asked`, tone: "bad" };
  return { label: "May approve", value: `${who}, not the one who asked` };
}

/** Which of Muster's rules this plan runs into, beside those that hold for every plan. */
function rulesRow(plan: Plan, facts: FailoverFacts, mode: Mode): Row {
  const { nodes, blockers, breakGlass } = plan;
  const label = "Rules hit";
  const lost = mode === "ungraceful" ? predictedLoss(facts) : 0;
  const { rpoSeconds } = facts.objectives;
  const oneWay = nodes.find((node) => node.oneWay !== undefined);
  const over = isBroken(plan, "loss")
    ? `loss over the objective: ${breakGlass?.by} accepted it, and nobody is asked`
    : "loss over the objective: two people are asked again";
  const rules = [
    ...(breakGlass ? [`broken: ${breakGlass.rules.join(", ")}`] : []),
    ...(blockers.length > 0 ? ["blocked: nobody can approve it as things are"] : []),
    ...(mode === "ungraceful" ? ["two writers cannot be ruled out: both approvals accept that"] : []),
    ...(lost === undefined || lost > rpoSeconds ? [over] : []),
    ...(oneWay ? [`no undo once Muster begins to ${oneWay.title}`] : []),
  ];
  const isBad = breakGlass !== undefined || blockers.length > 0 || mode === "ungraceful";
  return { label, value: rules.length > 0 ? rules.join("; ") : "none", tone: isBad ? "bad" : "warn" };
}

function diffsOf(facts: FailoverFacts): Preview["diffs"] {
  const { configs, pods, to, from, toRegion, fromRegion } = facts;
  const host = seen(to.instance)?.endpoint?.host;
  const weights = weightsOf(facts);
  const writerOf = (id: string | undefined, region: string) => `${id ?? "the database"} (${region})`;
  return [
    {
      what: "Writes go to",
      from: writerOf(from.known?.id, fromRegion),
      to: writerOf(seen(to.instance)?.id, toRegion),
    },
    ...configs.flatMap(({ config, now }) => {
      const found = seen(now);
      if (!found || host === undefined || found.value === host) return [];
      const what = `${keyName(config)} (${config.region})`;
      return [
        { what, from: found.value ?? "not set", to: host, ...(found.owner ? { owner: found.owner.manager } : {}) },
      ];
    }),
    ...pods.flatMap(({ side, deployment, found }) => {
      const now = seen(found)?.replicas;
      const wanted = side === "to" ? deployment.replicas : 0;
      if (now === wanted) return [];
      const what = `Pods of ${deployment.namespace}/${deployment.name} (${deployment.region})`;
      return [{ what, from: now === undefined ? "unknown" : String(now), to: String(wanted) }];
    }),
    ...(weights
      ? [
          {
            what: `DNS shares of ${facts.dns.name.name}`,
            from: spellWeights(weights),
            to: spellWeights(after(weights, toRegion)),
          },
        ]
      : []),
  ];
}

const after = (weights: Record<string, number>, toRegion: string) =>
  Object.fromEntries(Object.keys(weights).map((region) => [region, region === toRegion ? 100 : 0]));

/** How long resolvers may keep the old answer, in seconds: as the records say, else as the estate does. */
function ttlOf({ dns, toRegion }: FailoverFacts): number {
  return seen(dns.records)?.[toRegion]?.ttl ?? dns.name.ttl;
}

const clockOf = (at: string): string => `${at.slice(11, 19)} UTC`;

const spellTime = (seconds: number): string => spell(seconds < 120 ? Math.ceil(seconds) : Math.ceil(seconds / 60) * 60);

function spellBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 ** 2 ? `${Math.ceil(bytes / 1024)} kB` : `${Math.ceil(bytes / 1024 ** 2)} MB`;
}
