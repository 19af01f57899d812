import { spell } from "../../src/spelling.ts";
import { momentsOf, withoutMoment } from "../report/moments.ts";
import { openLines, regionFigureLines, type RegionReport } from "../report/region.ts";
import { wholeOf } from "../report/whole.ts";
import { amount, leftBehind, time, unserved, verdict } from "../report/lines.ts";
import type { Moments, Report } from "../report/failover.ts";
import type { StoryParts } from "./parts.ts";

/** What became of one service of a region, in words. */
export type ServiceRow = {
  wave: string;
  service: string;
  outcome: string;
  /** How long customers were without it, and how long they might be. */
  recovery: string;
  rto: string;
  lost: string;
  rpo: string;
};

/** How the columns of such rows are headed, in their order. */
export const serviceColumns: readonly { of: keyof ServiceRow; label: string }[] = [
  { of: "wave", label: "wave" },
  { of: "service", label: "service" },
  { of: "outcome", label: "what became of it" },
  { of: "recovery", label: "service recovery" },
  { of: "rto", label: "objective" },
  { of: "lost", label: "writes lost" },
  { of: "rpo", label: "objective" },
];

/** Moments that are over when the last service has had them. */
const ofEvery: (keyof Moments)[] = ["writable", "served", "held"];

/** Sorts what became of a region into the parts of a report: the whole, and each service. Pure. */
export function regionParts(
  region: RegionReport,
  timeOf: (at: string) => string,
): Pick<StoryParts, "moments" | "figures" | "now" | "services"> {
  const whole = wholeOf(region.services);
  return {
    moments: momentsOf(whole.keepsData).map(({ name, label }) => {
      const at = whole.moments[name];
      const every = regionLabel(name, label);
      const ofRun = every === label || region.left.length === 0 ? "" : " of this run";
      return [`${every}${ofRun}`, at === null ? withoutMoment(name) : timeOf(at)];
    }),
    figures: regionFigureLines(region),
    now: openLines(region),
    services: region.services.map((one) => rowOf(one, timeOf)),
  };
}

/** A moment as it is named where several services have it. */
export const regionLabel = (name: keyof Moments, label: string): string =>
  ofEvery.includes(name) ? `${label}, every service` : label;

function rowOf(
  { service, wave, report, turnedBack }: RegionReport["services"][number],
  timeOf: (at: string) => string,
): ServiceRow {
  const { seconds, loss, keepsData } = report;
  return {
    wave: String(wave),
    service,
    outcome: turnedBack ? "turned back, and not moved" : outcomeOf(report, timeOf),
    recovery: `${time(seconds.serviceRecovery)}${verdict(seconds.serviceRecovery, seconds.rtoObjective)}`,
    rto: spell(seconds.rtoObjective),
    lost: keepsData
      ? `${amount(loss.achievedSeconds)}${verdict(loss.achievedSeconds, loss.rpoObjective)}${leftBehind(loss.rowsLeftBehind)}`
      : "none; it keeps no data",
    rpo: keepsData ? spell(loss.rpoObjective) : "",
  };
}

function outcomeOf({ moments: { served, held } }: Report, timeOf: (at: string) => string): string {
  if (served === null) return unserved({ held });
  return `served since ${timeOf(served)}${held === null ? ", window not over" : ", window held"}`;
}
