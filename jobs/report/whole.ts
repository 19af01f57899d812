import type { Moments, Report } from "./failover.ts";

/** A region's move as one: it began with the first service that was away, and is over when the last one is back. */
export type Whole = {
  moments: Moments;
  /** Whether any of its services does. */
  keepsData: boolean;
  /** Whole seconds; null while a service is not back, and where nobody saw it. */
  seconds: {
    /** From the first service's last green probe to the last service's first green one of the window that held. */
    serviceRecovery: number | null;
    /** From the last approval to the same end. */
    tool: number | null;
    /** From the first service's detection, or from when somebody asked where that came first, to the last approval. */
    human: number | null;
  };
  /** Services that missed what was promised for them. */
  missed: { rto: string[]; rpo: string[] };
  /**
   * Writes lost by the service that lost most, of those with data that somebody could measure (null: of none), and the
   * services of which nobody could.
   */
  loss: { mostSeconds: number | null; unknown: string[] };
  probes: Report["probes"];
  failedCalls: number;
  takeOvers: number;
};

/**
 * Adds up the reports of a region's services, but for those that were turned back; what is not known of one is not known of
 * the whole. Pure.
 */
export function wholeOf(all: readonly { service: string; report: Report; turnedBack: boolean }[]): Whole {
  const services = all.filter(({ turnedBack }) => !turnedBack);
  const reports = services.map(({ report }) => report);
  const of = (name: keyof Moments, among = reports) => among.map(({ moments }) => moments[name]);
  const withData = services.filter(({ report }) => report.keepsData);
  const reportsOfData = withData.map(({ report }) => report);
  const served = last(of("served"));
  const sum = (count: (report: Report) => number) => reports.reduce((total, report) => total + count(report), 0);
  const names = (found: typeof services) => found.map(({ service }) => service);
  const over = (seconds: number | null, objective: number) => seconds !== null && seconds > objective;
  return {
    moments: {
      impact: first(of("impact")),
      detected: first(of("detected")),
      declared: first(of("declared")),
      approved: first(of("approved")),
      writable: last(of("writable", reportsOfData)),
      served,
      held: last(of("held")),
      redundant: last(of("redundant", reportsOfData)),
    },
    keepsData: services.length === 0 || withData.length > 0,
    seconds: {
      serviceRecovery: recoveryOf(reports, served),
      tool: last(reports.map(({ seconds }) => seconds.tool)),
      human: last(reports.map(({ seconds }) => seconds.human)),
    },
    missed: {
      rto: names(services.filter(({ report: { seconds } }) => over(seconds.serviceRecovery, seconds.rtoObjective))),
      rpo: names(withData.filter(({ report: { loss } }) => over(loss.achievedSeconds, loss.rpoObjective))),
    },
    loss: {
      mostSeconds: reportsOfData.reduce<number | null>(
        (most, { loss }) => (loss.achievedSeconds === null ? most : Math.max(most ?? 0, loss.achievedSeconds)),
        null,
      ),
      unknown: names(withData.filter(({ report }) => report.loss.achievedSeconds === null)),
    },
    probes: { failed: sum(({ probes }) => probes.failed), asked: sum(({ probes }) => probes.asked) },
    failedCalls: sum(({ failedCalls }) => failedCalls),
    // A worker drives the run, not one service of it.
    takeOvers: Math.max(0, ...reports.map(({ takeOvers }) => takeOvers)),
  };
}

/** A service that nobody saw away was not what the customers waited for first. */
function recoveryOf(reports: readonly Report[], served: string | null): number | null {
  const begins = reports.flatMap(({ moments, seconds }) =>
    moments.served === null || seconds.serviceRecovery === null
      ? []
      : Date.parse(moments.served) - seconds.serviceRecovery * 1000,
  );
  if (served === null || begins.length === 0) return null;
  return Math.ceil((Date.parse(served) - Math.min(...begins)) / 1000);
}

const first = (moments: readonly (string | null)[]): string | null =>
  moments.filter((at) => at !== null).toSorted()[0] ?? null;

/** The latest or the most; null where one of them is not known, or there are none. */
function last<T extends string | number>(values: readonly (T | null)[]): T | null {
  return values.reduce<T | null>(
    (most, value, index) =>
      value === null || (index > 0 && most === null) ? null : most && most > value ? most : value,
    null,
  );
}
