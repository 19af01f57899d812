import type { MessagePayload } from "../outbox/sender.ts";
import type { EventBody } from "./events.ts";
import type { Plan, PlanNode } from "./plan.ts";
import { isUnknown } from "./step.ts";
import type { RunView } from "./view.ts";

/** When others than those who work on a run are told of it. Nobody is told of one that never started. */
export type Occasion =
  | { kind: "started" }
  /** The last of these steps was done, and each was seen to be: one that was waived does not count. */
  | { kind: "done"; steps: string[] }
  /**
   * A step parked while none was, and these steps are not all done. A step that stands behind one of these of its own
   * service does not count: it tidies up after what others are told of.
   */
  | { kind: "parked"; unlessDone: string[] }
  /** It ended, and these steps are not all done. */
  | { kind: "ended"; unlessDone: string[] };

/** What a plan wants others to be told, and when. It is part of what people approve. */
export type Announcement = {
  on: Occasion;
  /** The kind of thread it goes out in, one for each run: "statuspage". */
  to: string;
  payload: MessagePayload;
  /** A sentence for those who work on the run, said with the event: what it leaves them to do. */
  aside?: string;
};

/** Finds what is to be announced because of an event; `view` is the run as it was just before. Pure. */
export function announced(plan: Plan, view: RunView, event: EventBody): Announcement[] {
  return (plan.announcements ?? []).filter(({ on }) => isDue(on, plan, view, event));
}

function isDue(on: Occasion, plan: Plan, view: RunView, event: EventBody): boolean {
  switch (on.kind) {
    case "started":
      return event.kind === "started";
    case "done":
      return event.kind === "done" && on.steps.includes(event.step) && areDone(on.steps, view, event);
    case "parked":
      return (
        event.kind === "parked" && !areDone(on.unlessDone, view) && isFirstParked(on.unlessDone, plan, view, event)
      );
    case "ended":
      return event.kind === "ended" && view.startedAt !== undefined && !areDone(on.unlessDone, view);
  }
}

function isFirstParked(proofs: readonly string[], { nodes }: Plan, { steps }: RunView, { step }: { step: string }) {
  const tidying = behind(proofs, nodes);
  return !tidying.has(step) && [...steps].every(([id, { parked }]) => parked === undefined || tidying.has(id));
}

/** Ids of the nodes that wait, at once or through others, for one of these of their own service. */
function behind(proofs: readonly string[], nodes: readonly PlanNode[]): Set<string> {
  const wanted = new Set(proofs);
  const found = new Set<string>();
  const services = new Map(nodes.map(({ id, service }) => [id, service]));
  // Nobody stands before what it waits for.
  for (const { id, service, after } of nodes) {
    if (after.some((one) => (wanted.has(one) || found.has(one)) && services.get(one) === service)) found.add(id);
  }
  return found;
}

/** Tells whether all of these steps are done, with one more that is done just now. */
function areDone(ids: readonly string[], { steps }: RunView, now?: Extract<EventBody, { kind: "done" }>): boolean {
  return ids.every((id) => {
    const done = now?.step === id ? now : steps.get(id)?.done;
    return done !== undefined && !isUnknown(done.result);
  });
}
