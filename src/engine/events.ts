import type { BrokenGlass } from "./break-glass.ts";
import type { Json } from "./step.ts";

/** Everything that can stand in a run's journal. `step` is a node's id and absent where the whole run is meant. */
export type EventBody =
  // the run, before it starts
  | { kind: "proposed"; by: string; planHash: string; reason?: string; breakGlass?: BrokenGlass }
  | { kind: "approved"; by: string; signal: number }
  | { kind: "approval-reminded"; times: number }
  | { kind: "declined"; by: string; signal: number }
  | { kind: "voided"; because: string[]; signal?: number }
  | { kind: "expired" }
  | { kind: "started" }
  // the run, under way
  /** From whom and by whom: that may be the same server. Older journals do not name the second. */
  | { kind: "taken-over"; from: string; to?: string }
  /** Nobody worked on it for so long after it was due: every server was away. */
  | { kind: "taken-up-late"; seconds: number }
  /** By Muster itself, and why, where its journal turned out to be older than the world. */
  | { kind: "held"; by: string; signal: number; because?: string }
  | { kind: "resumed"; by: string; signal: number }
  /** Going back: what was applied is undone, then the run ends (cancelled). */
  | { kind: "turned-back"; by: string; signal: number; verb: "cancel" | "undo" }
  | { kind: "refused"; by: string; signal: number; verb: string; because: string }
  | { kind: "ended"; outcome: Outcome; because?: string }
  // one step
  | { kind: "first-look"; step: string }
  | { kind: "waiting"; step: string; missing: string }
  | { kind: "intent"; step: string; attempt: number; before: Json }
  | { kind: "applied"; step: string; attempt: number }
  | { kind: "call-failed"; step: string; attempt: number; error: string; noEffect: boolean }
  | { kind: "done"; step: string; result: Json; found?: string }
  | { kind: "parked"; step: string; because: string; todo?: string }
  /** Of its question, or of being parked. */
  | { kind: "reminded"; step: string; times: number }
  | { kind: "continued"; step: string; by: string; signal: number }
  | { kind: "waive-seconded"; step: string; by: string; signal: number }
  | { kind: "waived"; step: string; by: string; signal: number }
  // one gate
  | { kind: "asked"; step: string; question: string; needed: 1 | 2 }
  | { kind: "answered"; step: string; by: string; signal: number }
  // going back, one step
  | { kind: "undo-intent"; step: string; attempt: number }
  | { kind: "undo-applied"; step: string; attempt: number }
  | { kind: "undo-failed"; step: string; attempt: number; error: string; noEffect: boolean }
  | { kind: "undone"; step: string };

/** Every kind there is; a journal with another was written by a newer Muster. */
const kinds: Record<EventBody["kind"], true> = {
  proposed: true,
  approved: true,
  "approval-reminded": true,
  declined: true,
  voided: true,
  expired: true,
  started: true,
  "taken-over": true,
  "taken-up-late": true,
  held: true,
  resumed: true,
  "turned-back": true,
  refused: true,
  ended: true,
  "first-look": true,
  waiting: true,
  intent: true,
  applied: true,
  "call-failed": true,
  done: true,
  parked: true,
  reminded: true,
  continued: true,
  "waive-seconded": true,
  waived: true,
  asked: true,
  answered: true,
  "undo-intent": true,
  "undo-applied": true,
  "undo-failed": true,
  undone: true,
};

export const eventKinds: readonly string[] = Object.keys(kinds);

export type Outcome = "done" | "failed" | "cancelled";

/** A journal row as it was written. */
export type JournalEvent = EventBody & {
  seq: number;
  epoch: number;
  at: Date;
};

/** What a person, or Muster itself, may say to a run. */
export type Verb = "approve" | "decline" | "hold" | "resume" | "continue" | "waive" | "undo" | "cancel" | "abandon";

export type Signal = {
  seq: number;
  verb: Verb;
  /** The node it speaks to: a gate for approve and decline, a parked step for continue and waive. */
  step?: string;
  by: string;
  /** The plan hash the person saw. */
  planHash?: string;
  /** Which time the step was parked, where the person saw that. */
  park?: number;
  /** Why Muster itself says it; people give none. */
  because?: string;
  at: Date;
};
