import { secondsSince } from "../clock.ts";
import type { JournalEvent } from "../engine/events.ts";
import type { Report } from "../../jobs/report/failover.ts";
import type { Plan, PlanNode } from "../engine/plan.ts";
import type { RunView } from "../engine/view.ts";
import { countCanaries, requestsFor, timesByChange, timesByRole, timesPromoted } from "./effects.ts";
import { east, west } from "./estate.ts";
import type { Lab } from "./lab.ts";
import { countOrders } from "./orders.ts";
import type { LabRequest } from "./request-log.ts";
import type { ServiceSeen } from "./service-sights.ts";
import type { Span } from "./worker-process.ts";

/** The last line of the demo. Seconds are lab seconds unless said; docs/lab.md explains each. */
export type Figures = {
  outcome: string;
  mode: string;
  scale: number;
  serviceRecoverySeconds: number | null;
  toolSeconds: number | null;
  criticalPathSeconds: number;
  ownSeconds: number | null;
  ordersAccepted: number;
  ordersLost: number;
  ordersDoubled: number;
  effects: Record<string, number>;
  writesAccepted: { east: number; west: number };
  writesAcceptedByOldSideAfterPromotion: number;
  takeOvers: number;
  slackPosts: number;
  steps: { id: string; seconds: number }[];
  /** How every service ended up; left out where checkout is alone. */
  services?: ServiceSeen[];
};

export type Story = {
  plan: Plan;
  view: RunView;
  events: readonly JournalEvent[];
  mode: string;
  report: Report;
  spans: readonly Span[];
};

/** Counts what a run did, from the lab's servers and the two databases; only take-overs and steps come from the journal. */
export async function countFigures(lab: Lab, story: Story): Promise<Figures> {
  const { plan, view, report } = story;
  const orders = await countOrders(lab);
  const services = lab.services.length > 1 ? await lab.everyService() : undefined;
  return {
    outcome: view.ended?.outcome ?? "parked",
    mode: story.mode,
    scale: lab.time.clock.rate,
    serviceRecoverySeconds: report.seconds.serviceRecovery,
    toolSeconds: report.seconds.tool,
    criticalPathSeconds: tenth(criticalPath(plan, view, lab.log.all)),
    ownSeconds: ownSeconds(lab, story),
    ordersAccepted: orders.accepted,
    ordersLost: orders.lost,
    ordersDoubled: orders.doubled,
    effects: { ...effectsOf(plan, view, lab.log.all), ...(await databaseEffects(lab, story)) },
    writesAccepted: orders.writes,
    writesAcceptedByOldSideAfterPromotion: orders.byOldSideAfterPromotion,
    takeOvers: view.takeOvers,
    slackPosts: lab.log
      .of("slack", "chat.postMessage")
      .filter((request) => request.effects.length > 0 && request.status === 200).length,
    steps: [...view.steps.values()].flatMap(({ node, firstLookAt, done }) =>
      firstLookAt && done ? [{ id: node.id, seconds: tenth(secondsSince(firstLookAt, done.at)) }] : [],
    ),
    ...(services ? { services } : {}),
  };
}

/** Which requests a step's calls are, and so whose delays and effects are the step's. */
const requestsOf: Record<string, { server: RegExp; action: RegExp }> = {
  "point-config": { server: /^kubernetes/, action: /^PATCH configmaps$/ },
  "scale-deployment": { server: /^kubernetes/, action: /^PATCH deployments\/scale$/ },
  "restart-pods": { server: /^kubernetes/, action: /^PATCH deployments\/scale$/ },
  "drain-old-side": { server: /^kubernetes/, action: /^PATCH deployments\/scale$/ },
  "promote-replica": { server: /^rds$/, action: /^PromoteReadReplica$/ },
  "swap-records": { server: /^route53$/, action: /^ChangeResourceRecordSets$/ },
  "flip-control-object": { server: /^s3$/, action: /^(?:Put|Delete)Object$/ },
  "set-routing-controls": { server: /^arc$/, action: /^UpdateRoutingControlStates$/ },
  "shift-dns": { server: /^route53$/, action: /^ChangeResourceRecordSets$/ },
};

function requestsDuring(view: RunView, node: PlanNode, log: readonly LabRequest[]): LabRequest[] {
  const step = view.steps.get(node.id);
  const kind = requestsOf[node.step];
  const from = step?.firstLookAt?.getTime();
  const to = step?.done?.at.getTime() ?? Infinity;
  if (!kind || from === undefined) return [];
  const region = regionOf(node);
  return requestsFor(node.service, log).filter(
    ({ at, server, action, resource }) =>
      kind.server.test(server) &&
      kind.action.test(action) &&
      isAbout(node, resource) &&
      (!server.startsWith("kubernetes-") || region === undefined || server.endsWith(region)) &&
      at.getTime() >= from &&
      at.getTime() <= to,
  );
}

/** Whether a request is about what a step of one service touches; what moves customers is told by its effects. */
function isAbout({ step, input }: PlanNode, resource: string): boolean {
  if (step === "shift-dns" || step === "set-routing-controls") return true;
  const {
    replica,
    deployments = [],
    configs = [],
  } = input as {
    replica?: { instance: string };
    deployments?: { namespace: string; name: string }[];
    configs?: { namespace: string; name: string }[];
  };
  const touched = [...deployments, ...configs].map(({ namespace, name }) => `${namespace}/${name}`);
  return touched.includes(resource) || (replica !== undefined && resource.endsWith(`/${replica.instance}`));
}

/** The region a Kubernetes step works in: draining is the old side's, everything else the new side's. */
const regionOf = (node: PlanNode): string | undefined => (node.step === "drain-old-side" ? east : west);

/** The longest way through the plan, each step weighing what the lab drew for its calls. Ends where people are served. */
function criticalPath(plan: Plan, view: RunView, log: readonly LabRequest[]): number {
  const ends = new Map<string, number>();
  for (const node of plan.nodes) {
    const weight = requestsDuring(view, node, log).reduce((sum, { delaySeconds }) => sum + delaySeconds, 0);
    const before = Math.max(0, ...node.after.map((id) => ends.get(id) ?? 0));
    ends.set(node.id, before + weight);
  }
  return Math.max(0, ...ends.values());
}

/** Per changing step, the most often that one change took hold at its target. */
function effectsOf(plan: Plan, view: RunView, log: readonly LabRequest[]): Record<string, number> {
  return Object.fromEntries(
    plan.nodes
      .filter((node) => node.changes && requestsOf[node.step])
      .map((node) => [node.id, Math.max(0, ...timesByChange(requestsDuring(view, node, log)).values())]),
  );
}

/** The same for the steps that change a database: its servers' own logs and rows tell. */
async function databaseEffects(lab: Lab, { plan, report }: Story): Promise<Record<string, number>> {
  const counted = lab.services.map(async ({ name, pair }) => {
    if (!pair) return {};
    const [{ taken, given }, promoted, canaries] = await Promise.all([
      timesByRole(pair),
      timesPromoted(pair),
      countCanaries(pair, report.runId),
    ]);
    const times: Record<string, number> = {
      "fence-writes": taken,
      "promote-standby": promoted,
      "open-writes": given,
      "verify-database": canaries,
    };
    return Object.fromEntries(
      plan.nodes.flatMap(({ id, service, step }) =>
        service === name && times[step] !== undefined ? [[id, times[step]]] : [],
      ),
    ) as Record<string, number>;
  });
  return Object.assign({}, ...(await Promise.all(counted))) as Record<string, number>;
}

/** Servers that log their requests themselves; of all others (databases, names, front doors) Muster's calls tell. */
const logged = /^(?:rds|route53|s3|kubernetes|slack|mail)\b/;

/** How long Muster's requests were open at servers of the lab; one that nobody answers until its caller gives up. */
function openAtServers(requests: readonly LabRequest[]): { from: number; to: number }[] {
  return requests.flatMap(({ server, openedAt, closedAt, goneAt }) =>
    logged.test(server) && server !== "rds-machine" && closedAt !== undefined
      ? [{ from: performance.timeOrigin + openedAt, to: performance.timeOrigin + (goneAt ?? closedAt) }]
      : [],
  );
}

/** Wall seconds between approval and recovery in which no call was open at a server and no step waited on the clock. */
function ownSeconds(lab: Lab, { report: { moments }, spans }: Story): number | null {
  if (moments.approved === null || moments.served === null) return null;
  const [approvedAt, recoveredAt] = [new Date(moments.approved), new Date(moments.served)];
  const onWall = (at: Date) => Date.now() - (lab.time.clock.now().getTime() - at.getTime()) / lab.time.clock.rate;
  const [from, to] = [onWall(approvedAt), onWall(recoveredAt)];
  const told = spans.filter((span) =>
    // A server that waited for the approvals may go on waiting when another was told of them; no step waits by then.
    span.kind === "call" ? !logged.test(span.name) && !span.name.startsWith("smtp.") : span.from >= from,
  );
  const busy = [...told, ...openAtServers(lab.log.all)]
    .map((span) => [Math.max(from, span.from), Math.min(to, span.to)] as const)
    .filter(([start, end]) => end > start)
    .sort(([left], [right]) => left - right);
  let covered = 0;
  let until = from;
  for (const [start, end] of busy) {
    covered += Math.max(0, end - Math.max(start, until));
    until = Math.max(until, end);
  }
  return Math.round((to - from - covered) / 10) / 100;
}

const tenth = (value: number): number => Math.round(value * 10) / 10;
