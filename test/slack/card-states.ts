import type { Preview } from "../../jobs/job.ts";
import type { EventBody, JournalEvent } from "../../src/engine/events.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { fold } from "../../src/engine/fold.ts";
import { cardButtons } from "../../src/slack/card-buttons.ts";
import { drawCard, type CardRun } from "../../src/slack/plan-card.ts";
import { smallPlan } from "./small-plan.ts";

const ofCheckout: Preview = {
  headline: "Move checkout to us-west-2, with the old side out of reach.",
  mode: "ungraceful",
  rows: [
    { label: "Customers now", value: "not served since 10:02:10", tone: "bad" },
    { label: "Writes lost", value: "up to 20 s (objective 15 minutes)", tone: "warn" },
    { label: "Replica", value: "checkout-db-west: available <ok>", tone: "good" },
    { label: "Pods us-west-2", value: "1 ready of 1 asked for; 3 wanted afterwards" },
  ],
  diffs: [{ what: "shop/app-config DB_HOST", from: "east.db", to: "west.db", owner: "helm" }],
  warnings: smallPlan.warnings,
  blockers: [],
};

/** Draws a run of the small plan after these events, one a second. */
export function drawn(
  bodies: EventBody[],
  {
    plan = smallPlan,
    planBlocks = true,
    preview = ofCheckout,
  }: { plan?: Plan; planBlocks?: boolean; preview?: Preview } = {},
) {
  const start = Date.UTC(2026, 0, 5, 10, 4, 0);
  const events: JournalEvent[] = bodies.map((body, n) => ({
    ...body,
    seq: n + 1,
    epoch: 1,
    at: new Date(start + n * 1000),
  }));
  const view = fold(plan, events);
  const run: CardRun = {
    id: "r1",
    plan,
    planHash: "abcdef0123456789",
    requestedBy: "ana",
    reason: "us-east-1 is dark <!channel>",
    approveUntil: new Date(start + 900_000),
  };
  const buttons = cardButtons(run, view).map((button, n) => ({ ...button, id: `id${n}` }));
  const report = view.ended ? ["Customers were away for 4 minutes (objective 1 hour)."] : [];
  return drawCard({ run, view, preview, report, buttons, mention: (name) => `<@${name}>`, planBlocks });
}

export const proposed: EventBody = { kind: "proposed", by: "ana", planHash: "abcdef0123456789" };
const approvals: EventBody[] = [
  { kind: "approved", by: "ben", signal: 1 },
  { kind: "approved", by: "cleo", signal: 2 },
];
export const started: EventBody[] = [proposed, ...approvals, { kind: "started" }];
const fenced: EventBody[] = [
  { kind: "first-look", step: "checkout/fence-writes" },
  { kind: "intent", step: "checkout/fence-writes", attempt: 1, before: null },
  { kind: "applied", step: "checkout/fence-writes", attempt: 1 },
  { kind: "done", step: "checkout/fence-writes", result: null },
];
const asked: EventBody = { kind: "asked", step: "checkout/accept-loss", question: "Lose 20 s of writes?", needed: 2 };
const promoting: EventBody[] = [
  { kind: "done", step: "checkout/accept-loss", result: null },
  { kind: "first-look", step: "checkout/promote-replica" },
  { kind: "intent", step: "checkout/promote-replica", attempt: 1, before: null },
];
const stuck: EventBody = {
  kind: "parked",
  step: "checkout/promote-replica",
  because: `the replica is "modifying"`,
  todo: "Look at it in the RDS console, then press Continue.",
};

/** A run's card in each state it can be in. */
export const states: Record<string, ReturnType<typeof drawn>> = {
  proposed: drawn([proposed]),
  "one approval": drawn([proposed, approvals[0]!]),
  blocked: drawn([proposed], { plan: { ...smallPlan, blockers: ["Route 53's control plane does not answer"] } }),
  expired: drawn([proposed, { kind: "expired" }]),
  voided: drawn([proposed, { kind: "voided", because: ["the replica is no longer available"] }]),
  declined: drawn([proposed, { kind: "declined", by: "ben", signal: 1 }]),
  "under way": drawn([
    ...started,
    ...fenced.slice(0, 2),
    { kind: "waiting", step: "checkout/fence-writes", missing: "2 sessions are open" },
  ]),
  "under way, as lines": drawn([...started, ...fenced], { planBlocks: false }),
  asked: drawn([...started, ...fenced, asked]),
  held: drawn([...started, { kind: "held", by: "ben", signal: 3 }]),
  "parked before the point of no return": drawn([
    ...started,
    ...fenced.slice(0, 3),
    { ...stuck, step: "checkout/fence-writes" },
  ]),
  "parked after it": drawn([...started, ...fenced, ...promoting, stuck]),
  "going back": drawn([
    ...started,
    ...fenced.slice(0, 3),
    { kind: "turned-back", by: "ben", signal: 4, verb: "cancel" },
  ]),
  "parked on the way back": drawn([
    ...started,
    ...fenced,
    { kind: "turned-back", by: "ben", signal: 4, verb: "undo" },
    { kind: "undo-intent", step: "checkout/fence-writes", attempt: 1 },
    { ...stuck, step: "checkout/fence-writes", because: "checkout-db does not answer" },
  ]),
  done: drawn([...started, ...fenced, ...promoting, { kind: "ended", outcome: "done" }]),
  cancelled: drawn([...started, { kind: "ended", outcome: "cancelled", because: "ben turned it back" }]),
};
