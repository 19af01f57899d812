import type { JournalEvent } from "../../src/engine/events.ts";
import type { RunView, StepView } from "../../src/engine/view.ts";
import { barsOf, secondsOf, type Bar } from "./gantt-bars.ts";
import { clocksOf, type ClockSpan } from "./gantt-clocks.ts";
import { happeningsOf, type Happening } from "./gantt-happenings.ts";
import { momentsOf, withoutMoment } from "../report/moments.ts";
import { wholeOf } from "../report/whole.ts";
import { regionLabel } from "./region-parts.ts";
import type { Story } from "./load.ts";

/** One line of a chart: a step, or all steps of a service where there are too many. Moments are milliseconds since 1970. */
export type GanttRow = {
  label: string;
  bars: Bar[];
  end: "done" | "waived" | "undone" | "parked" | "open";
  /** How long something went on there, rounded up. */
  seconds: number;
  note: string;
};

/** A run as a chart: what happened when, and how long it took. Nothing in it knows of pixels. */
export type Gantt = {
  title: string;
  outcome: string;
  runId: string;
  from: number;
  to: number;
  rows: GanttRow[];
  /** What people and workers did. */
  happenings: Happening[];
  clocks: ClockSpan[];
  /** The moments there are, numbered; `at` is undefined where nobody saw one. */
  moments: { number: number; label: string; at?: number; without: string }[];
};

/** More lines than this nobody reads: then each service gets one. */
const mostRows = 45;

/** How much longer than the run itself the time before it may be drawn; what is older stands at the chart's left edge. */
const mostBefore = 1;

/** Makes the chart of a run from its story; what is not over ends at the newest event. Pure. */
export function gantt(story: Story): Gantt {
  const { run, events, view, report, region } = story;
  const begin = (view.proposedAt ?? new Date(0)).getTime();
  const to = Math.max(begin + 1000, newest(events));
  const seen = region ? wholeOf(region.services) : report;
  const named = momentsOf(seen?.keepsData ?? true).map(({ name, label: one }, index) => {
    const at = seen?.moments[name];
    const label = region ? regionLabel(name, one) : one;
    return { number: index + 1, label, without: withoutMoment(name), ...(at ? { at: Date.parse(at) } : {}) };
  });
  const clocks = clocksOf(story);
  const first = Math.min(begin, ...named.flatMap(({ at }) => at ?? []), ...clocks.flatMap(({ from }) => from ?? []));
  return {
    title: run.plan.title,
    outcome: view.ended?.outcome ?? "not over yet",
    runId: run.id,
    from: Math.max(first, begin - mostBefore * (to - begin)),
    to,
    rows: rowsOf(view, events, to),
    happenings: happeningsOf(events),
    clocks,
    moments: named,
  };
}

/** When the newest event was written, in milliseconds since 1970. */
export const newest = (events: readonly JournalEvent[]): number => events.at(-1)?.at.getTime() ?? 0;

function rowsOf(view: RunView, events: readonly JournalEvent[], to: number): GanttRow[] {
  const steps = [...view.steps.values()];
  const services = new Set(steps.map(({ node }) => node.service));
  const drawn = steps
    .map((step) => ({ step, bars: stepBars(view, step, events, to) }))
    .filter(({ bars }) => bars.length > 0)
    .toSorted((left, right) => startOf(left) - startOf(right));
  if (drawn.length > mostRows) return serviceRows(drawn);
  // A service's steps stand together, however many services move at once.
  const grouped = [...Map.groupBy(drawn, ({ step }) => step.node.service).values()].flat();
  return grouped.map(({ step, bars }) => ({
    label: services.size > 1 ? step.node.id : step.node.step,
    bars,
    end: endOf(step),
    seconds: secondsOf(bars),
    note: noteOf(step),
  }));
}

/** The stretches of one step, whichever way it went. */
export const stepBars = (view: RunView, { node }: StepView, events: readonly JournalEvent[], to: number): Bar[] =>
  barsOf(node.id, events, { to, turnedAt: view.turnedBack?.services.get(node.service) });

type Drawn = { step: StepView; bars: Bar[] };

const startOf = ({ bars }: Drawn): number => bars[0]?.from ?? 0;

/** One line a service, in the order in which they began: from its first bar to its last, trouble on top. */
function serviceRows(drawn: Drawn[]): GanttRow[] {
  return [...Map.groupBy(drawn, ({ step }) => step.node.service)].map(([label, own]) => {
    const bars = own.flatMap((one) => one.bars);
    const whole: Bar = {
      kind: "work",
      from: Math.min(...bars.map(({ from }) => from)),
      to: Math.max(...bars.map(({ to }) => to)),
    };
    const ends = own.map(({ step }) => endOf(step));
    return {
      label,
      bars: [whole, ...bars.filter(({ kind }) => kind === "parked" || kind === "asked" || kind === "undo")],
      end: (["parked", "open", "undone", "waived"] as const).find((end) => ends.includes(end)) ?? "done",
      note: `${ends.filter((end) => end === "done").length} of ${own.length} steps`,
      seconds: secondsOf([whole]),
    };
  });
}

function endOf({ undone, waived, done, parked }: StepView): GanttRow["end"] {
  if (undone) return "undone";
  if (parked) return "parked";
  if (waived) return "waived";
  return done ? "done" : "open";
}

function noteOf({ attempts, undone, waived, parked }: StepView): string {
  const how = undone ? "taken back" : parked ? "parked" : waived ? `waived by ${waived.by.join(", ")}` : "";
  return [how, attempts > 1 ? `${attempts} tries` : ""].filter((word) => word !== "").join(", ");
}
