import { changedServices, isOver, mustGoBack, type RunView, type StepView } from "../engine/view.ts";
import { type Block, bold, code, escape, prose } from "./blocks.ts";

/** Tells whether a run is about more than one service: then its card shows services, and not every step of each. */
export const movesMany = (view: Pick<RunView, "steps">): boolean => changedServices(view).size > 1;

type Way = "forward" | "going back" | "back";
type Line = { service: string; done: number; of: number; now: StepView | undefined; way: Way };

/** How many services are named one by one in each group; the others are counted. */
const named = 25;

/**
 * The services of a run: those that need a person first, those on their way, those that are through, those turned back. Once it
 * ended, nothing is under way and nobody is asked: what is not through has stopped where it was, or was not begun.
 */
export function serviceBlocks(view: RunView): Block[] {
  const steps = Map.groupBy(view.steps.values(), ({ node }) => node.service);
  const lines = [...changedServices(view)].map((service) => lineOf(view, service, steps.get(service) ?? []));
  const isStuck = ({ now }: Line) => (now?.parked ?? now?.asked) !== undefined;
  const isThrough = ({ done, of }: Line) => done === of;
  const isWaiting = ({ done, now }: Line) => done === 0 && now === undefined;
  const stuck = lines.filter(isStuck);
  const onWay = (way: Way) => lines.filter((line) => line.way === way && !isStuck(line));
  const through = onWay("forward").filter(isThrough);
  const waiting = onWay("forward").filter(isWaiting);
  const moving = onWay("forward").filter((line) => !isThrough(line) && !isWaiting(line));
  return prose([
    bold(`${through.length} of ${lines.length} services are through`),
    ...some(stuck, view.ended ? stoppedStuck : isAsked),
    ...some(moving, view.ended ? stopped : isUnderWay),
    ...(through.length > 0 ? [`✅ ${list(through)}`] : []),
    ...counted(view.ended ? "⚪ not begun" : "⚪ waiting for their wave", waiting),
    ...counted(view.ended ? "🔴 not taken back" : "🔄 being taken back", onWay("going back")),
    ...counted("↩️ as before", onWay("back")),
  ]);
}

function lineOf(view: RunView, service: string, steps: readonly StepView[]): Line {
  if (view.turnedBack?.services.has(service)) {
    const left = steps.filter(mustGoBack);
    const now = left.find((step) => step.parked);
    return { service, done: 0, of: steps.length, now, way: left.length > 0 ? "going back" : "back" };
  }
  const open = steps.filter((step) => !isOver(step));
  const now =
    open.find((step) => step.parked) ?? open.find((step) => step.asked) ?? open.find((step) => step.firstLookAt);
  return { service, done: steps.length - open.length, of: steps.length, now, way: "forward" };
}

const isAsked = ({ service, now }: Line): string =>
  `🔴 ${bold(service)} ${code(now?.node.step ?? "")} ${escape(whyStuck(now))}`;

const isUnderWay = ({ service, done, of, now }: Line): string =>
  `🔄 ${bold(service)} ${done} of ${of}  _${escape(now?.node.title ?? "")}_`;

function stoppedStuck({ service, now, way }: Line): string {
  const why = now?.parked ? `: ${escape(now.parked.because)}` : ", which was not answered";
  const back = way === "going back" ? "not taken back, " : "";
  return `🔴 ${bold(service)} ${back}stopped at ${code(now?.node.step ?? "")}${why}`;
}

const stopped = ({ service, done, of, now }: Line): string =>
  `🔴 ${bold(service)} stopped after ${done} of ${of} steps${now ? `, at ${code(now.node.step)}` : ""}`;

const whyStuck = (step: StepView | undefined): string => step?.parked?.because ?? step?.asked?.question ?? "";

function some(lines: readonly Line[], draw: (line: Line) => string): string[] {
  const more = lines.length - named;
  return [...lines.slice(0, named).map(draw), ...(more > 0 ? [`_and ${more} more_`] : [])];
}

const counted = (what: string, lines: readonly Line[]): string[] =>
  lines.length > 0 ? [`${what}: ${list(lines)}`] : [];

function list(lines: readonly Line[]): string {
  const more = lines.length - 2 * named;
  const names = lines.slice(0, 2 * named).map(({ service }) => escape(service));
  return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** What a plan that moves many would do, wave by wave. */
export function waveLines(
  nodes: readonly { service: string; step: string; changes: boolean; title: string }[],
): string[] {
  const lines: string[][] = [[]];
  for (const { step, service, changes } of nodes) {
    if (step === "start-wave") lines.push([]);
    else if (changes && !lines.some((wave) => wave.includes(service))) lines.at(-1)?.push(service);
  }
  return lines.map((services, index) => `${index + 1}. ${bold(`wave ${index + 1}`)}  ${escape(services.join(", "))}`);
}
