import { spell } from "../src/engine/judge.ts";
import type { Moments, Report } from "./report.ts";

const labels: Record<keyof Moments, string> = {
  impact: "Impact (first red probe)",
  detected: "Detected (confirmed)",
  declared: "Declared",
  approved: "Approved",
  writable: "Database writable",
  served: "Customers served again",
  held: "Window held",
  redundant: "Redundancy restored",
};

/** Writes a report as lines for people: the moments, the clocks against what was promised, and what is still open. */
export function reportLines(report: Report): string[] {
  const { runId, title, outcome, moments } = report;
  const names = Object.entries(labels) as [keyof Moments, string][];
  return [
    `Report of run ${runId}: ${title}. ${outcome[0]?.toUpperCase() ?? ""}${outcome.slice(1)}.`,
    ...names.map(
      ([name, label]) => `  ${label.padEnd(26)}${moments[name] ?? (name === "redundant" ? "not yet" : "unknown")}`,
    ),
    ...summaryLines(report),
  ];
}

/** The clocks against what was promised, and what is still open. */
export function summaryLines({ seconds, loss, probes, ...counts }: Report): string[] {
  return [
    `Service recovery: ${time(seconds.serviceRecovery)}, from the last green probe (objective ${spell(seconds.rtoObjective)}${verdict(seconds.serviceRecovery, seconds.rtoObjective)}).`,
    `Of that the tool: ${time(seconds.tool)}, from the last approval; people: ${time(seconds.human)}, until then.`,
    `Writes lost: ${amount(loss.achievedSeconds)} measured, ${amount(loss.predictedSeconds)} predicted (objective ${spell(loss.rpoObjective)}${verdict(loss.achievedSeconds, loss.rpoObjective)})${leftBehind(loss.rowsLeftBehind)}.`,
    `Probes as customers ask: ${probes.failed} of ${probes.asked} failed. Calls that failed on the way: ${counts.failedCalls}. Workers taken over: ${counts.takeOvers}.`,
    ...(counts.now.length > 0 ? ["What now:", ...counts.now.map((line) => `  ${line}`)] : []),
  ];
}

const time = (seconds: number | null): string => (seconds === null ? "unknown" : spellUp(seconds));

/** Minutes with a tenth, rounded up: a promise that was missed by a second must not read as kept. */
const spellUp = (seconds: number): string => spell(seconds < 120 ? Math.ceil(seconds) : Math.ceil(seconds / 6) * 6);

const amount = (seconds: number | null): string =>
  seconds === null ? "unknown" : seconds === 0 ? "none" : `at most ${seconds} s`;

const verdict = (seconds: number | null, objective: number): string =>
  seconds === null ? "" : seconds <= objective ? ", kept" : ", missed";

const leftBehind = (rows: number | null): string =>
  rows === null ? "" : `; ${rows} ${rows === 1 ? "row was" : "rows were"} left on the old writer`;
