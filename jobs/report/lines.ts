import { capital, spell } from "../../src/spelling.ts";
import { momentsOf, withoutMoment } from "./moments.ts";
import type { Moments, Report } from "./failover.ts";

/** Writes a report as lines for people: the moments, the clocks against what was promised, and what is still open. */
export function reportLines(report: Report): string[] {
  const { runId, title, outcome } = report;
  return [
    `Report of run ${runId}: ${title}. ${capital(outcome)}.`,
    ...momentsOf(report.keepsData).map(
      ({ name, label }) => `  ${label.padEnd(26)}${report.moments[name] ?? withoutMoment(name)}`,
    ),
    ...summaryLines(report),
  ];
}

/** The clocks against what was promised, and what is still open. */
export function summaryLines(report: Report): string[] {
  const { now } = report;
  return [...figureLines(report), ...(now.length > 0 ? ["What now:", ...now.map((line) => `  ${line}`)] : [])];
}

/** The clocks against what was promised, and what it cost; a sentence each. */
export function figureLines({ seconds, probes, ...report }: Report): string[] {
  return [
    `Service recovery: ${time(seconds.serviceRecovery)}, from the last green probe (objective ${spell(seconds.rtoObjective)}${verdict(seconds.serviceRecovery, seconds.rtoObjective)}).`,
    `Of that the tool: ${time(seconds.tool)}, from the last approval; people: ${time(seconds.human)}, until then.`,
    lossLine(report),
    `Probes as customers ask: ${probes.failed} of ${probes.asked} failed. Calls that failed on the way: ${report.failedCalls}. Workers taken over: ${report.takeOvers}.`,
  ];
}

function lossLine({ keepsData, service, loss }: Pick<Report, "keepsData" | "service" | "loss">): string {
  if (!keepsData) return `Writes lost: none; ${service} keeps no data of its own.`;
  const { achievedSeconds, predictedSeconds, rpoObjective, rowsLeftBehind } = loss;
  return `Writes lost: ${amount(achievedSeconds)} measured, ${amount(predictedSeconds)} predicted (objective ${spell(rpoObjective)}${verdict(achievedSeconds, rpoObjective)})${leftBehind(rowsLeftBehind)}.`;
}

/** A time that was taken, or that nobody could. */
export const time = (seconds: number | null): string => (seconds === null ? "unknown" : spellUp(seconds));

/** Minutes with a tenth, rounded up: a promise that was missed by a second must not read as kept. */
const spellUp = (seconds: number): string => spell(seconds < 120 ? Math.ceil(seconds) : Math.ceil(seconds / 6) * 6);

/** Writes that were lost, by their time. */
export const amount = (seconds: number | null): string =>
  seconds === null ? "unknown" : seconds === 0 ? "none" : `at most ${seconds} s`;

/** What is said of a service of which nobody knows since when it serves: whether its window held is known. */
export const unserved = ({ held }: Pick<Moments, "held">): string =>
  held === null ? "not served yet" : "window held; since when it served is unknown";

/** Whether a promise was kept, to be put behind it; nothing where nobody knows. */
export const verdict = (seconds: number | null, objective: number): string =>
  seconds === null ? "" : seconds <= objective ? ", kept" : ", missed";

/** What of them was found on the old side, to be put behind it. */
export const leftBehind = (rows: number | null): string =>
  rows === null ? "" : `; ${rows} ${rows === 1 ? "row was" : "rows were"} left on the old writer`;
