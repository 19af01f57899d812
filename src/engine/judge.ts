import { secondsSince } from "../clock.ts";
import { spell } from "../spelling.ts";
import type { StepView } from "./view.ts";

/** What to do next about one step. */
export type Verdict =
  | { next: "apply"; attempt: number }
  | { next: "move-on" }
  | { next: "look-again"; afterSeconds: number }
  | { next: "accept-unknown"; why: string }
  | { next: "park"; because: string };

/** What a look told: all as wanted, something missing, or nothing could be seen. */
export type Look =
  | {
      missing: string | undefined;
      notYet?: string | undefined;
      /** It needs nothing but time, and no person could help. */
      onlyTime?: boolean | undefined;
    }
  | { unknown: string };

export type Limits = {
  patienceSeconds: number;
  settleSeconds: number;
  /** How long a call that was accepted may leave no trace; left out, as long as patience lasts. */
  traceSeconds?: number | undefined;
  pollSeconds: number;
  /** False where the step only waits. */
  applies: boolean;
  acceptsUnknown: boolean | "at once";
  /** A person said "hold": nothing new is changed. */
  held: boolean;
};

/** How often a change is tried before a person is asked. */
const triesBeforeAsking = 8;

/** What to do about one step. No clock, no database, no network: all it weighs is in its arguments. */
export function judge(look: Look, record: StepView, limits: Limits, now: Date): Verdict {
  const again: Verdict = { next: "look-again", afterSeconds: limits.pollSeconds };
  const patient = secondsSince(record.patienceFrom ?? now, now) < limits.patienceSeconds;

  if ("unknown" in look) {
    if (patient && !(limits.acceptsUnknown === "at once" && record.attempts === 0)) return again;
    if (limits.acceptsUnknown) return { next: "accept-unknown", why: look.unknown };
    return { next: "park", because: `${look.unknown}; that is still so after ${spell(limits.patienceSeconds)}` };
  }
  if (look.missing === undefined) return { next: "move-on" };
  const runOut: Verdict = {
    next: "park",
    because: `${look.missing}; that is still so after ${spell(limits.patienceSeconds)}`,
  };
  if (look.onlyTime || (!limits.applies && patient)) return again;
  if (!limits.applies) return runOut;

  const last = record.lastTry;
  const mayApply = (): Verdict => {
    if (look.notYet !== undefined) {
      return patient
        ? again
        : { next: "park", because: `${look.notYet}; that is still so after ${spell(limits.patienceSeconds)}` };
    }
    if (limits.held) return again;
    if (record.triesSinceContinue >= triesBeforeAsking) {
      return {
        next: "park",
        because: `${look.missing}; ${triesBeforeAsking} tries failed, the last with: ${last?.error ?? "no answer"}`,
      };
    }
    return { next: "apply", attempt: record.attempts + 1 };
  };

  if (!last) return mayApply();
  // A call with no known outcome, or one that failed somewhere on its way, may have happened: until the target's read lag
  // is over, "still missing" proves nothing.
  const settled = secondsSince(last.endedAt ?? last.at, now) >= limits.settleSeconds;
  if (last.end === "open") return settled ? mayApply() : again;
  if (last.end === "failed") {
    if (!last.noEffect) return settled ? mayApply() : again;
    const pause = Math.min(60, limits.pollSeconds * 2 ** Math.min(record.triesSinceContinue - 1, 6));
    const waited = secondsSince(last.endedAt ?? last.at, now);
    return waited >= pause ? mayApply() : { next: "look-again", afterSeconds: Math.max(0.05, pause - waited) };
  }
  // The call was accepted. A person who said "continue" after that wants it tried once more.
  if (settled && record.continuedAt && last.at < record.continuedAt) return mayApply();
  const traceSeconds = limits.traceSeconds ?? Infinity;
  if (look.notYet === undefined && secondsSince(last.endedAt ?? last.at, now) >= traceSeconds) {
    return {
      next: "park",
      because: `${look.missing}; the call was accepted, and ${spell(traceSeconds)} later nothing is to be seen of it`,
    };
  }
  return patient ? again : runOut;
}

/** What to do about undoing one step: the same rules, with the undo's own tries. */
export function judgeUndo(look: Look, record: StepView, limits: Limits, now: Date): Verdict {
  const again: Verdict = { next: "look-again", afterSeconds: limits.pollSeconds };
  // A forward call that may have happened must have had its time before its trace can be judged: until the target's read
  // lag is over, "as before" proves nothing.
  const forward = record.lastTry;
  const unsettled =
    forward !== undefined &&
    !(forward.end === "failed" && forward.noEffect) &&
    secondsSince(forward.endedAt ?? forward.at, now) < limits.settleSeconds;
  if (unsettled) return again;
  const { lastTry: _, ...rest } = record;
  const backward: StepView = {
    ...rest,
    attempts: record.undo.attempts,
    triesSinceContinue: record.undo.attempts,
    ...(record.undo.lastTry ? { lastTry: record.undo.lastTry } : {}),
  };
  return judge(look, backward, { ...limits, applies: true, acceptsUnknown: false, held: false }, now);
}
