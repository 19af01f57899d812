import { spell } from "../src/engine/judge.ts";
import type { RunReport } from "./job.ts";
import type { Left } from "./region-left.ts";
import type { Report } from "./report.ts";

/** What became of the move of a region: of each service what became of it, in the order of the waves. */
export type RegionReport = {
  runId: string;
  title: string;
  services: { service: string; wave: number; report: Report; turnedBack: boolean }[];
  left: Left[];
};

/** Writes the report of a region as lines for people: the worst first, one line a service, what is still open. Pure. */
export function regionReportLines({ runId, title, services, left }: RegionReport): RunReport {
  const moved = services.filter(({ turnedBack }) => !turnedBack);
  const served = moved.filter(({ report }) => report.moments.served !== null || report.moments.held !== null);
  const summary = [
    `${served.length} of ${services.length} services serve their customers in the new region.`,
    ...turnedBackLines(services),
    ...worst(moved),
    ...services.flatMap(({ service, report }) =>
      report.keepsData ? report.now.map((line) => `${service}: ${line}`) : [],
    ),
    ...withoutData(moved),
    ...left
      .filter(({ kind }) => kind !== "there")
      .map(({ service, because }) => `${service} was not moved: ${because}.`),
  ];
  const width = Math.max(0, ...services.map(({ service }) => service.length));
  const whole = [
    `Report of run ${runId}: ${title}.`,
    ...services.map(
      ({ service, wave, report, turnedBack }) =>
        `  ${wave}. ${service.padEnd(width)}  ${turnedBack ? "turned back" : clocks(report)}`,
    ),
    ...summary,
  ];
  return { whole, summary };
}

function turnedBackLines(services: RegionReport["services"]): string[] {
  const names = services.filter(({ turnedBack }) => turnedBack).map(({ service }) => service);
  return names.length === 0 ? [] : [`Turned back, and not moved: ${names.join(", ")}.`];
}

/** What has no data left its pods behind, and may go back any time: said once for all of them. */
function withoutData(services: RegionReport["services"]): string[] {
  const names = services.filter(({ report }) => !report.keepsData).map(({ service }) => service);
  if (names.length === 0) return [];
  return [`${names.join(", ")}: the pods in the old region were left as they are; they keep no data and do no harm.`];
}

function worst(services: RegionReport["services"]): string[] {
  const times = services.flatMap(({ report }) => report.seconds.serviceRecovery ?? []);
  const missed = services.filter(({ report: { seconds } }) => (seconds.serviceRecovery ?? 0) > seconds.rtoObjective);
  const losses = services.flatMap(({ report }) => report.loss.achievedSeconds ?? []);
  return [
    ...(times.length > 0 ? [`Slowest to recover: ${spell(Math.max(...times))}.`] : []),
    ...(missed.length > 0 ? [`Objective missed: ${missed.map(({ service }) => service).join(", ")}.`] : []),
    ...(losses.length > 0 ? [`Writes lost, at most: ${Math.max(...losses)} s.`] : []),
  ];
}

function clocks({ seconds, loss, keepsData }: Report): string {
  const recovered = seconds.serviceRecovery ?? seconds.tool;
  const time = recovered === null ? "not served yet" : `served after ${spell(recovered)}`;
  const kept = recovered === null ? "" : recovered <= seconds.rtoObjective ? ", kept" : ", missed";
  const lost = loss.achievedSeconds === null || !keepsData ? "" : `; at most ${loss.achievedSeconds} s of writes lost`;
  return `${time} (objective ${spell(seconds.rtoObjective)}${kept})${lost}`;
}
