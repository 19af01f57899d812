import { spell } from "../../src/spelling.ts";
import type { RunReport } from "../job.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { saidOf } from "../preview/region-left.ts";
import { wholeOf, type Whole } from "./whole.ts";
import type { Report } from "./failover.ts";
import { time, unserved, verdict } from "./lines.ts";

/** What became of the move of a region: of each service what became of it, in the order of the waves. */
export type RegionReport = {
  runId: string;
  title: string;
  services: { service: string; wave: number; report: Report; turnedBack: boolean }[];
  /** Those that it was asked to move with the rest, and left where they are. */
  left: NonNullable<Plan["left"]>;
};

/** Writes the report of a region as lines for people: the worst first, one line a service, what is still open. Pure. */
export function regionReportLines(region: RegionReport): RunReport {
  const { runId, title, services } = region;
  const summary = [...backLines(region), ...worstLines(region), ...openLines(region), ...leftLines(region)];
  const width = Math.max(0, ...services.map(({ service }) => service.length));
  const whole = [
    `Report of run ${runId}: ${title}.`,
    ...services.map(
      ({ service, wave, report, turnedBack }) =>
        `  ${wave}. ${service.padEnd(width)}  ${turnedBack ? "turned back" : clocks(report)}`,
    ),
    ...summary,
  ];
  return { whole, summary, region };
}

/** What the whole region came to, against what was promised for its services; a sentence each. Pure. */
export function regionFigureLines(region: RegionReport): string[] {
  const { seconds, probes, failedCalls, takeOvers } = wholeOf(region.services);
  return [
    ...backLines(region),
    `All services${region.left.length > 0 ? " of this run" : ""} back: ${time(seconds.serviceRecovery)}, from the first one's last green probe to the last one's return.`,
    `Of that the tool: ${time(seconds.tool)}, from the last approval; people: ${time(seconds.human)}, until then.`,
    ...worstLines(region),
    `Probes as customers ask: ${probes.failed} of ${probes.asked} failed. Calls that failed on the way: ${failedCalls}. Workers taken over: ${takeOvers}.`,
    ...leftLines(region),
  ];
}

/** Says what is still open, each sentence once, with the services it is about. Pure. */
export function openLines(region: RegionReport): string[] {
  // One on its way back counts, too: it may be stuck there.
  const said = region.services.flatMap(({ service, report }) =>
    goesBackFreely(report) ? [] : report.now.map((line) => ({ service, line })),
  );
  const alike = [...Map.groupBy(said, ({ line }) => line)];
  return [
    ...alike.map(([line, same]) => `${same.map(({ service }) => service).join(", ")}: ${line}`),
    ...withoutData(moved(region)),
  ];
}

const moved = ({ services }: RegionReport) => services.filter(({ turnedBack }) => !turnedBack);

function backLines(region: RegionReport): string[] {
  const back = moved(region).filter(({ report }) => report.moments.served !== null || report.moments.held !== null);
  const turned = region.services.filter(({ turnedBack }) => turnedBack).map(({ service }) => service);
  return [
    `${back.length} of ${region.services.length} services${region.left.length > 0 ? " of this run" : ""} serve their customers in the new region.`,
    ...(turned.length > 0 ? [`Turned back, and not moved: ${turned.join(", ")}.`] : []),
  ];
}

/** What has no data left its pods behind, and may go back any time: said once for all of them. */
function withoutData(services: RegionReport["services"]): string[] {
  const names = services.filter(({ report }) => goesBackFreely(report)).map(({ service }) => service);
  if (names.length === 0) return [];
  return [`${names.join(", ")}: the pods in the old region were left as they are; they keep no data and do no harm.`];
}

const goesBackFreely = ({ keepsData, outcome }: Report): boolean => !keepsData && outcome === "done";

function worstLines(region: RegionReport): string[] {
  const services = moved(region);
  const times = services.flatMap(({ report }) => report.seconds.serviceRecovery ?? []);
  const { missed, loss } = wholeOf(region.services);
  return [
    ...(times.length > 0 ? [`Slowest to recover: ${time(Math.max(...times))}.`] : []),
    ...(missed.rto.length > 0 ? [`Objective missed: ${missed.rto.join(", ")}.`] : []),
    ...lossLine(loss),
    ...(missed.rpo.length > 0 ? [`More writes lost than promised: ${missed.rpo.join(", ")}.`] : []),
  ];
}

/** Of services with data only: what has none loses none, and that says nothing of the others. */
function lossLine({ mostSeconds, unknown }: Whole["loss"]): string[] {
  const unmeasured = unknown.length > 0 ? ` Nobody could measure it for ${unknown.join(", ")}.` : "";
  if (mostSeconds === null) return unmeasured === "" ? [] : [`Writes lost: unknown.${unmeasured}`];
  return [`Writes lost, at most: ${mostSeconds} s.${unmeasured}`];
}

const leftLines = ({ left }: RegionReport): string[] =>
  saidOf(
    left.map(({ service, because }) => ({ service, text: because })),
    left.length,
  ).map(({ who, many, text }) => `${who} ${many ? "were" : "was"} not moved: ${text}.`);

function clocks({ seconds: { serviceRecovery, tool, rtoObjective }, moments, loss, keepsData }: Report): string {
  const lost = loss.achievedSeconds === null || !keepsData ? "" : `; at most ${loss.achievedSeconds} s of writes lost`;
  const objective = `(objective ${spell(rtoObjective)}${verdict(serviceRecovery, rtoObjective)})`;
  if (serviceRecovery !== null) return `served after ${time(serviceRecovery)} ${objective}${lost}`;
  // Nobody saw it away: from the approval is another clock, and no verdict.
  return `${tool === null ? unserved(moments) : `served ${time(tool)} after the last approval`} ${objective}${lost}`;
}
