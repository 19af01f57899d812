import { CannotContinue } from "../errors.ts";
import { inSpan } from "../trace.ts";
import { judge } from "./judge.ts";
import { park, parkedBy, pursue, type CameBack, type Hands, type Way } from "./pursue.ts";
import { isUnknown, type Json, type Step } from "./step.ts";
import { goesBack, isOver, readsOf, type StepView } from "./view.ts";

/** A step of the list, fed with JSON from the plan and the journal. */
export type JsonStep = Step<Json, Json>;

/** Brings one step forward: looks, changes, looks again, until it is done, parked, halted or has long to wait. */
export async function advance(hands: Hands): Promise<CameBack> {
  const { journal, node } = hands;
  if (!recordOf(hands).firstLookAt) await journal.write(() => ({ events: [{ kind: "first-look", step: node.id }] }));
  return orPark(hands, "forward", (step) => pursue(hands, forward(hands, step)));
}

/** Runs the loop of a step and turns what cannot be helped by trying again into a parked step. */
export async function orPark(
  hands: Hands,
  way: Way["name"],
  loop: (step: JsonStep) => Promise<CameBack>,
): Promise<CameBack> {
  const { ctx, journal, node } = hands;
  try {
    const step = ctx.steps.get(node.step);
    const attributes = { "muster.step": node.id, "muster.way": way, "muster.run": journal.run.id };
    if (step?.kind === "step")
      return await inSpan(`step ${node.step}`, { attributes, redact: ctx.redact }, () =>
        loop(step as unknown as JsonStep),
      );
    throw new CannotContinue({
      happened: `This Muster has no step "${node.step}".`,
      means: "Nothing was changed by it.",
      todo: "Start the version that made this plan, then press Continue.",
    });
  } catch (error) {
    if (!(error instanceof CannotContinue)) throw error;
    return park(hands, way, parkedBy(node, error));
  }
}

/** The step's own record, which is there for every node of the plan. */
export function recordOf({ journal, node }: Hands): StepView {
  const record = journal.view().steps.get(node.id);
  if (!record) throw new Error(`step ${node.id} is not in the plan of run ${journal.run.id}`);
  return record;
}

function forward(hands: Hands, step: JsonStep): Way {
  const { ctx, journal, node } = hands;
  const reads = readsOf(journal.view(), node);
  const { input, id } = node;
  return {
    name: "forward",
    observe: (stepCtx) => step.observe(stepCtx, input, reads),
    missing: (seen) => ({
      missing: step.missing(seen, input, reads),
      notYet: step.notYet?.(seen, input, reads),
      onlyTime: step.onlyTime?.(seen, input),
    }),
    judge: (look, view, mayAccept) =>
      judge(
        look,
        recordOf(hands),
        {
          patienceSeconds: patienceOf(step, input),
          settleSeconds: step.settleSeconds,
          traceSeconds: step.traceSeconds,
          pollSeconds: step.pollSeconds,
          applies: step.apply !== undefined,
          acceptsUnknown: mayAccept && (step.acceptsUnknown?.(input) ?? false),
          held: view.heldBy !== undefined,
        },
        ctx.now(),
      ),
    mayChange: (view) => {
      const record = view.steps.get(id);
      return !view.ended && !view.heldBy && !goesBack(view, { node }) && !!record && !isOver(record) && !record.parked;
    },
    change: async (stepCtx, seen) => {
      await step.apply?.(stepCtx, input, { before: recordOf(hands).before ?? seen, seen, reads });
    },
    hadNoEffect: (error) => step.hadNoEffect?.(error) ?? false,
    intent: (attempt, seen) => ({ kind: "intent", step: id, attempt, before: recordOf(hands).before ?? seen }),
    applied: (attempt) => ({ kind: "applied", step: id, attempt }),
    failed: (attempt, error, noEffect) => ({ kind: "call-failed", step: id, attempt, error, noEffect }),
    done: (result) => {
      const found = isUnknown(result) ? undefined : step.found?.(result, input);
      return { kind: "done", step: id, result, ...(found === undefined ? {} : { found }) };
    },
  };
}

/** How long something may be missing before a person is asked. */
export const patienceOf = (step: JsonStep, input: Json): number =>
  typeof step.patienceSeconds === "number" ? step.patienceSeconds : step.patienceSeconds(input);
