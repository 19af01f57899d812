import { isUnknown, type Json } from "../../src/engine/step.ts";
import type { Plan } from "../../src/engine/plan.ts";
import type { JournalEvent } from "../../src/engine/events.ts";
import { fold } from "../../src/engine/fold.ts";
import type { RunView } from "../../src/engine/view.ts";
import { keepsData, type FailoverFacts } from "../../src/facts/failover.ts";
import { foreseenLoss } from "../../src/facts/moves.ts";
import type { Mode } from "../../src/steps/targets.ts";
import { movesCustomers } from "../moves-customers.ts";
import { impactOf, servedOf, type ProbeRow } from "./outage.ts";
import { stepOf } from "./step-of.ts";
import { redundantSince } from "./promotion.ts";
import { whatNow, type Fenced } from "./what-now.ts";

/** The eight moments of a failover (ISO); null where nobody saw it, or it has not come. */
export type Moments = {
  /** The first red probe of the outage. */
  impact: string | null;
  /** The red probe that confirmed it. */
  detected: string | null;
  /** Somebody asked for the failover. */
  declared: string | null;
  /** The last approval that was needed. */
  approved: string | null;
  /** A write as the application was proven at the new writer; null where the service keeps no data. */
  writable: string | null;
  /** The first green probe, as customers ask, of the window that then held. */
  served: string | null;
  /** That window was over. */
  held: string | null;
  /**
   * There is a replica again: from a switchover's promotion on, because the old writer follows. Else null: people build one,
   * which Muster does not look at; and a service that keeps no data never had one.
   */
  redundant: string | null;
};

/** Writes that did not come along. */
export type Loss = {
  /** As the card showed it. */
  predictedSeconds: number | null;
  /** As it was measured when the replica had everything it could get. */
  achievedSeconds: number | null;
  rpoObjective: number;
  /** Rows of the old writer that the new one does not have, once somebody could look; null before. */
  rowsLeftBehind: number | null;
};

/** What became of a failover, in numbers that are never rounded in our favour. Seconds are whole, rounded up. */
export type Report = {
  runId: string;
  title: string;
  outcome: string;
  service: string;
  /** False for a service without a database: it has no writer and no replica, and its loss is none by nature. */
  keepsData: boolean;
  moments: Moments;
  seconds: {
    /** From the last green probe before the outage to the first green one of the window that held. */
    serviceRecovery: number | null;
    /** From the last approval to the same end. */
    tool: number | null;
    /** From detection, or from when somebody asked where that came first, to the last approval. */
    human: number | null;
    rtoObjective: number;
  };
  loss: Loss;
  /** Probes as customers ask, from the outage on. */
  probes: { failed: number; asked: number };
  failedCalls: number;
  takeOvers: number;
  now: string[];
};

export type ReportInput = {
  run: { id: string; plan: Plan };
  events: readonly JournalEvent[];
  probes: readonly ProbeRow[];
  facts: FailoverFacts;
  /** The old side's fence after the failover, where there was one. */
  refence?: Fenced;
};

/** Makes the report of a failover from its journal and the prober's rows. Pure. */
export function report({ run, events, probes, facts, refence }: ReportInput): Report {
  const { plan } = run;
  const view = fold(plan, events);
  const doneAt = (step: string) => isoOf(stepOf(view, step)?.done?.at);
  const moved = plan.nodes.find(({ step }) => movesCustomers(step))?.step ?? "";
  const approved = isoOf(view.approvals[plan.needed - 1]?.at ?? (plan.needed === 0 ? view.startedAt : undefined));
  const held = doneAt("watch-stability");
  const outage = impactOf(probes, isoOf(view.proposedAt), held);
  const served = servedOf(probes, doneAt(moved), held);
  return {
    runId: run.id,
    title: plan.title,
    outcome: view.ended?.outcome ?? "not over yet",
    service: facts.service,
    keepsData: keepsData(facts),
    moments: {
      impact: outage?.firstRed ?? null,
      detected: outage?.confirmed ?? null,
      declared: isoOf(view.proposedAt),
      approved,
      writable: doneAt("verify-database"),
      served,
      held,
      redundant: isoOf(redundantSince(view)),
    },
    seconds: {
      serviceRecovery: between(outage?.lastGreen ?? null, served),
      tool: between(approved, served),
      human: between(earlier(outage?.confirmed, isoOf(view.proposedAt)), approved),
      rtoObjective: facts.objectives.rtoSeconds,
    },
    loss: lossOf(plan, view, facts, refence),
    probes: countProbes(probes, outage?.firstRed ?? approved, held),
    failedCalls: events.filter(({ kind }) => kind === "call-failed" || kind === "undo-failed").length,
    takeOvers: view.takeOvers,
    now: whatNow(plan, view, facts, refence),
  };
}

function lossOf(plan: Plan, view: RunView, facts: FailoverFacts, refence: Fenced | undefined): Loss {
  const rpoObjective = facts.objectives.rpoSeconds;
  if (!keepsData(facts)) return { predictedSeconds: 0, achievedSeconds: 0, rpoObjective, rowsLeftBehind: null };
  return {
    predictedSeconds: foreseenLoss(facts, modeIn(plan) ?? "ungraceful") ?? null,
    achievedSeconds: numberIn(stepOf(view, "catch-up")?.done?.result, "lossSeconds"),
    rpoObjective,
    rowsLeftBehind: refence?.rowsLeftBehind ?? null,
  };
}

function countProbes(probes: readonly ProbeRow[], from: string | null, to: string | null): Report["probes"] {
  if (from === null) return { failed: 0, asked: 0 };
  const within = probes.filter(({ at }) => at >= from && (to === null || at <= to));
  return { failed: within.filter(({ ok }) => !ok).length, asked: within.length };
}

function modeIn(plan: Plan): Mode | undefined {
  const input = plan.nodes.find(({ step }) => step === "fence-writes")?.input;
  return (input as { mode?: Mode } | undefined)?.mode;
}

function numberIn(result: Json | undefined, field: string): number | null {
  if (isUnknown(result) || typeof result !== "object" || result === null || Array.isArray(result)) return null;
  const value = result[field];
  return typeof value === "number" ? value : null;
}

const earlier = (left: string | null | undefined, right: string | null): string | null =>
  left && (right === null || left < right) ? left : right;

const isoOf = (date: Date | undefined): string | null => date?.toISOString() ?? null;

function between(from: string | null, to: string | null): number | null {
  return from === null || to === null ? null : Math.max(0, Math.ceil((Date.parse(to) - Date.parse(from)) / 1000));
}
