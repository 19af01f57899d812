import { spellBroken } from "../../src/engine/break-glass.ts";
import { capital, spell } from "../../src/spelling.ts";
import { isOpen, type RunView, type StepView } from "../../src/engine/view.ts";
import { newest, stepBars } from "./gantt.ts";
import { secondsOf } from "./gantt-bars.ts";
import { momentsOf, withoutMoment } from "../report/moments.ts";
import { figureLines } from "../report/lines.ts";
import type { Report } from "../report/failover.ts";
import type { Story } from "./load.ts";
import { regionParts, type ServiceRow } from "./region-parts.ts";

/** What a report says, in its order and nobody's markup; each part may be empty. */
export type StoryParts = {
  heading: string;
  /** Which run it was, who asked, why, who approved; sentences. */
  about: string[];
  moments: [label: string, at: string][];
  /** Clocks, losses, probes; sentences. */
  figures: string[];
  /** What is still open, and who holds the next action; sentences. */
  now: string[];
  /** What became of each service, where a region was moved. */
  services: ServiceRow[];
  steps: { step: string; title: string; from: string; took: string; how: string }[];
  timeline: [at: string, line: string][];
};

/** Sorts a run's story into the parts of a report. Pure. */
export function partsOf(story: Story): StoryParts {
  const { run, events, view, timeline } = story;
  const outcome = view.ended?.outcome ?? "not over yet";
  const several = new Set(run.plan.nodes.map(({ service }) => service)).size > 1;
  return {
    heading: `${capital(run.plan.title)}: ${outcome}`,
    about: aboutOf(story),
    ...(story.region ? regionParts(story.region, timeOf) : serviceParts(story.report)),
    steps: [...view.steps.values()].map((step) => {
      const bars = stepBars(view, step, events, newest(events));
      return {
        step: several ? step.node.id : step.node.step,
        title: step.node.title,
        from: timeOf(step.firstLookAt ?? step.asked?.at),
        took: bars.length > 0 ? spell(secondsOf(bars)) : "",
        how: endOf(view, step),
      };
    }),
    timeline: timeline.map(({ at, line }) => [timeOf(at), line]),
  };
}

function serviceParts(report: Report | undefined): Pick<StoryParts, "moments" | "figures" | "now" | "services"> {
  if (!report) return { moments: [], figures: [], now: [], services: [] };
  return {
    moments: momentsOf(report.keepsData).map(({ name, label }) => {
      const at = report.moments[name];
      return [label, at ? timeOf(at) : withoutMoment(name)];
    }),
    figures: figureLines(report),
    now: report.now,
    services: [],
  };
}

function aboutOf({ run, view }: Story): string[] {
  const { approvals, startedAt, ended } = view;
  const names = approvals.map(({ by }) => by).join(" and ");
  return [
    `Run ${run.id}, plan ${run.planHash.slice(0, 8)}.`,
    `${run.requestedBy} asked for it${run.reason ? `. Reason: ${run.reason.replace(/\.$/, "")}` : ""}.`,
    ...(run.plan.breakGlass ? [`${spellBroken(run.plan.breakGlass)}.`] : []),
    names !== "" ? `${names} approved it.` : startedAt ? "Nobody had to approve it." : "Nobody approved it.",
    ...(ended?.because ? [`It ended because ${ended.because}.`] : []),
  ];
}

function endOf(view: RunView, step: StepView): string {
  const { node, done, waived, undone, parked, asked, attempts } = step;
  if (undone) return "taken back";
  if (parked) return `parked: ${parked.because}`;
  if (waived) return `waived by ${waived.by.join(" and ")}`;
  if (!done) {
    if (!asked) return "not done";
    return !view.ended && isOpen(view, step) ? `asked: ${asked.question}` : `not answered: ${asked.question}`;
  }
  if (node.kind === "gate" && done.found !== undefined) return `answered beforehand: ${done.found}`;
  if (node.kind === "gate") return asked ? `answered: ${asked.question}` : "nobody had to be asked";
  if (done.found !== undefined) return done.found;
  return attempts > 1 ? `done, ${attempts} tries` : node.changes && attempts === 0 ? "was so already" : "done";
}

/** A moment to the second, as tables show it. */
const timeOf = (at: Date | string | undefined): string =>
  at === undefined ? "" : new Date(at).toISOString().slice(0, 19).replace("T", " ");
