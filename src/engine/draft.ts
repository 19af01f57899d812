import type { JournalEvent } from "./events.ts";
import { foldInto } from "./fold.ts";
import type { RunView, StepView } from "./view.ts";

/**
 * A view that goes on from another, which stays as it was. Only the steps that something happens to are copied: a run of a
 * thousand services has thousands, and writes its journal thousands of times.
 */
export class Draft {
  readonly view: RunView;

  constructor(view: RunView) {
    this.view = { ...view, approvals: [...view.approvals], steps: new Map(view.steps) };
  }

  /** Lets one more event happen. */
  add(event: JournalEvent): void {
    const { steps } = this.view;
    if ("step" in event) {
      const step = steps.get(event.step);
      if (step) steps.set(event.step, copyOf(step));
    } else if (touchesSteps.has(event.kind)) {
      for (const [id, step] of steps) steps.set(id, copyOf(step));
    }
    foldInto(this.view, event);
  }
}

/** What happens to the whole run and leaves its mark on the steps. */
const touchesSteps: ReadonlySet<JournalEvent["kind"]> = new Set(["taken-over", "taken-up-late", "turned-back"]);

const copyOf = (step: StepView): StepView => ({
  ...step,
  waivers: [...step.waivers],
  answers: [...step.answers],
  undo: { ...step.undo },
});

/** The view after some more events; the one before stays as it was. */
export function extended(view: RunView, events: readonly JournalEvent[]): RunView {
  const draft = new Draft(view);
  for (const event of events) draft.add(event);
  return draft.view;
}
