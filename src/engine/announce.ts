import type { MessagePayload } from "../outbox/sender.ts";
import type { EventBody } from "./events.ts";
import type { Plan } from "./plan.ts";
import { isUnknown } from "./step.ts";
import type { RunView } from "./view.ts";

/** When others than those who work on a run are told of it. Nobody is told of one that never started. */
export type Occasion =
  | { kind: "started" }
  /** The last of these steps was done, and each was seen to be: one that was waived does not count. */
  | { kind: "done"; steps: string[] }
  /** A step parked while none was, and these steps are not all done. */
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
  return (plan.announcements ?? []).filter(({ on }) => isDue(on, view, event));
}

function isDue(on: Occasion, view: RunView, event: EventBody): boolean {
  switch (on.kind) {
    case "started":
      return event.kind === "started";
    case "done":
      return event.kind === "done" && on.steps.includes(event.step) && areDone(on.steps, view, event);
    case "parked":
      return event.kind === "parked" && !anyParked(view) && !areDone(on.unlessDone, view);
    case "ended":
      return event.kind === "ended" && view.startedAt !== undefined && !areDone(on.unlessDone, view);
  }
}

const anyParked = ({ steps }: RunView): boolean => [...steps.values()].some(({ parked }) => parked !== undefined);

/** Tells whether all of these steps are done, with one more that is done just now. */
function areDone(ids: readonly string[], { steps }: RunView, now?: Extract<EventBody, { kind: "done" }>): boolean {
  return ids.every((id) => {
    const done = now?.step === id ? now : steps.get(id)?.done;
    return done !== undefined && !isUnknown(done.result);
  });
}
