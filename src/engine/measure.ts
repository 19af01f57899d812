import { secondsSince } from "../clock.ts";
import type { Meters } from "../meters.ts";
import type { EventBody } from "./events.ts";
import type { RunView } from "./view.ts";

/** Counts what an event ends: a step, or the run. `view` is as it was before the event. */
export function measure(meters: Meters | undefined, job: string, view: RunView, event: EventBody, at: Date): void {
  if (!meters) return;
  const lasted = (from: Date | undefined) => (from ? Math.max(0, secondsSince(from, at)) : 0);
  if (event.kind === "ended") meters.run(job, event.outcome, lasted(view.startedAt));
  if (event.kind === "taken-over") meters.lease("taken-over");
  if (event.kind !== "done" && event.kind !== "waived" && event.kind !== "undone" && event.kind !== "parked") return;
  const step = view.steps.get(event.step);
  if (step) meters.step(step.node.step, event.kind, lasted(step.firstLookAt));
}
