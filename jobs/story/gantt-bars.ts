import type { JournalEvent } from "../../src/engine/events.ts";

/**
 * A stretch of one step's time; milliseconds since 1970. "wait": it looked, and could not or need not change anything yet;
 * "call": a change was on its way; "work": the change was made, and took its time to show; "asked": a person's answer was
 * awaited; "parked": nothing went on before a person decided; "undo": it was taken back.
 */
export type Bar = { from: number; to: number; kind: "wait" | "call" | "work" | "asked" | "parked" | "undo" };

/** What an event of a step begins; undefined: the step is over, for now. Events that are not here change nothing. */
const begins: Partial<Record<JournalEvent["kind"], Bar["kind"] | undefined>> = {
  "first-look": "wait",
  intent: "call",
  applied: "work",
  "call-failed": "wait",
  asked: "asked",
  parked: "parked",
  continued: "wait",
  "undo-intent": "undo",
  done: undefined,
  waived: undefined,
  undone: undefined,
};

/**
 * Cuts a step's time into stretches, from its first event to its end; one that is not over ends at `to`, and one that was
 * turned back when that was said of its service: an Undo before or after that was about others. Pure.
 */
export function barsOf(
  step: string,
  events: readonly JournalEvent[],
  { to, turnedAt }: { to: number; turnedAt?: Date | undefined },
): Bar[] {
  const bars: Bar[] = [];
  let open: Bar | undefined;
  for (const event of events) {
    const endsAll =
      event.kind === "ended" || (event.kind === "turned-back" && event.at.getTime() === turnedAt?.getTime());
    if (!endsAll && !("step" in event && event.step === step && event.kind in begins)) continue;
    const at = event.at.getTime();
    const kind = endsAll ? undefined : begins[event.kind];
    if (open) bars.push({ ...open, to: at });
    open = kind && { kind, from: at, to: at };
  }
  return open ? [...bars, { ...open, to: Math.max(to, open.from) }] : bars;
}

/** How long something went on in these stretches, in seconds, rounded up. Pure. */
export const secondsOf = (bars: readonly Bar[]): number =>
  Math.ceil(bars.reduce((sum, { from, to }) => sum + to - from, 0) / 1000);
