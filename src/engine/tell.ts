import { announced, type Announcement } from "./announce.ts";
import type { EventBody } from "./events.ts";
import { tellRun } from "./tell-run.ts";
import { tellStep } from "./tell-step.ts";
import type { Run, Tell } from "./told.ts";
import type { RunView } from "./view.ts";

/** Tells one event in the words people read: the timeline, the thread and the mail say the same. Pure. */
export function tell(run: Run, view: RunView, event: EventBody, now: Date): Tell {
  const told = "step" in event ? tellStep(run, view, event, now) : tellRun(run, view, event, now);
  const announcements = announced(run.plan, view, event);
  return announcements.length > 0 ? { ...withAsides(told, announcements), announcements } : told;
}

function withAsides(told: Tell, announcements: readonly Announcement[]): Tell {
  const asides = announcements.flatMap(({ aside }) => (aside === undefined ? [] : [aside]));
  const { milestone } = told;
  return milestone && asides.length > 0
    ? { ...told, milestone: { ...milestone, lines: [...milestone.lines, ...asides] } }
    : told;
}
