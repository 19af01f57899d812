import { readFileSync } from "node:fs";
import { decide, standing } from "../../src/engine/decide.ts";
import type { JournalEvent } from "../../src/engine/events.ts";
import type { Plan, PlanNode } from "../../src/engine/plan.ts";
import type { Json, Reads } from "../../src/engine/step.ts";
import { fold } from "../../src/engine/fold.ts";
import { steps } from "../../src/steps/index.ts";

/** The journals that a version of Muster left behind. */
export const names = ["graceful", "ungraceful", "taken-over", "parked-waived-undone"] as const;

/** One journal, and what followed from it at each of its events. */
export type Golden = { plan: Plan; facts: Json; events: JournalEvent[]; next: Next[] };

/** What is to be done after so many events, as far as it does not hang on when it is asked. */
export type Next = {
  after: number;
  standing: string;
  write: string[];
  checkClaims: boolean;
  start: string[];
  undo: string[];
  wakeAt?: string;
  final?: string;
};

export const fileOf = (name: string): URL => new URL(`journal-${name}.json`, import.meta.url);

export function readGolden(name: string): Golden {
  const golden = JSON.parse(readFileSync(fileOf(name), "utf8")) as Golden;
  return { ...golden, events: golden.events.map((event) => ({ ...event, at: new Date(event.at) })) };
}

/** Decides after every beginning of a journal, at the moment of its newest event. */
export function everyNext(plan: Plan, events: readonly JournalEvent[]): Next[] {
  return events.map((event, index) => {
    const view = fold(plan, events.slice(0, index + 1));
    const { write, checkClaims, start, undo, wakeAt, final } = decide(plan, view, event.at, question);
    return {
      after: event.seq,
      standing: standing(view),
      write: write.map((body) => ("step" in body ? `${body.kind} ${body.step}` : body.kind)),
      checkClaims,
      start: start.map(({ id }) => id),
      undo: undo.map(({ id }) => id),
      ...(wakeAt ? { wakeAt: wakeAt.toISOString() } : {}),
      ...(final ? { final: final.outcome } : {}),
    };
  });
}

const gates = new Map(steps.map((step) => [step.name, step]));

function question(node: PlanNode, reads: Reads): string | undefined {
  const gate = gates.get(node.step);
  if (gate?.kind !== "gate") throw new Error(`there is no question "${node.step}"`);
  return (gate.question as (input: Json, reads: Reads) => string | undefined)(node.input, reads);
}
