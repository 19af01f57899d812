import { orPark, patienceOf, recordOf, type JsonStep } from "./advance.ts";
import { secondsSince } from "../clock.ts";
import { judgeUndo, type Look } from "./judge.ts";
import { pursue, type CameBack, type Hands, type Way } from "./pursue.ts";
import type { Json, Undo } from "./step.ts";
import { goesBack, readsOf, type StepView } from "./view.ts";

/**
 * Takes one step back to what was seen before its first change. Reached only while nothing one-way has been tried for its
 * service, and after every step that waited for it was taken back.
 */
export function undo(hands: Hands): Promise<CameBack> {
  return orPark(hands, "back", async (step) => {
    const way = backward(hands, step);
    if (way) return pursue(hands, way);
    await hands.journal.write(() => ({ events: [{ kind: "undone", step: hands.node.id }] }));
    return { kind: "settled" };
  });
}

function backward(hands: Hands, step: JsonStep): Way | undefined {
  const { undo: back } = step;
  if (!("apply" in back)) return undefined;
  const { ctx, journal, node } = hands;
  const reads = readsOf(journal.view(), node);
  const { input, id } = node;
  const before = recordOf(hands).before ?? null;
  return {
    name: "back",
    observe: (stepCtx) => step.observe(stepCtx, input, reads),
    missing: (seen) => {
      const missing = back.missing(seen, before, input);
      return missing === undefined
        ? lingering(back.lingers?.(input), recordOf(hands), journal.view().turnedBack?.at, ctx.now())
        : { missing };
    },
    judge: (look) =>
      judgeUndo(
        look,
        recordOf(hands),
        {
          patienceSeconds: patienceOf(step, input),
          settleSeconds: step.settleSeconds,
          pollSeconds: step.pollSeconds,
          applies: true,
          acceptsUnknown: false,
          held: false,
        },
        ctx.now(),
      ),
    mayChange: (view) => {
      const record = view.steps.get(id);
      const held = view.heldBecause !== undefined;
      return !view.ended && !held && goesBack(view, { node }) && !record?.undone && !record?.parked;
    },
    change: async (stepCtx, seen) => {
      await back.apply(stepCtx, input, { before, seen, reads });
    },
    hadNoEffect: (error) => step.hadNoEffect?.(error) ?? false,
    intent: (attempt) => ({ kind: "undo-intent", step: id, attempt }),
    applied: (attempt) => ({ kind: "undo-applied", step: id, attempt }),
    failed: (attempt, error, noEffect) => ({ kind: "undo-failed", step: id, attempt, error, noEffect }),
    done: () => ({ kind: "undone", step: id }),
  };
}

type Lingers = ReturnType<NonNullable<Extract<Undo<Json, Json>, { apply: unknown }>["lingers"]>>;

/** What is left to wait for once a step is back as it was: the time for which the world still acts on the change. Pure. */
export function lingering(
  lingers: Lingers | undefined,
  record: StepView,
  turnedBackAt: Date | undefined,
  now: Date,
): Look {
  const { lastTry: forward, undo } = record;
  const neverChanged = !undo.lastTry && forward?.end === "failed" && forward.noEffect === true;
  // Where somebody else put it back, nobody knows when: it is counted from the order to go back.
  const since = undo.lastTry ? (undo.lastTry.endedAt ?? undo.lastTry.at) : turnedBackAt;
  if (!lingers || neverChanged || !since || secondsSince(since, now) >= lingers.seconds) return { missing: undefined };
  const until = new Date(since.getTime() + lingers.seconds * 1000).toISOString().slice(11, 19);
  return { missing: `${lingers.because} until ${until} UTC`, onlyTime: true };
}
