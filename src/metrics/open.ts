import type { Context } from "../context.ts";
import type { Meters } from "../meters.ts";
import { version } from "../version.ts";
import { openInstallationGauges } from "./installation.ts";
import { openMeters, openProcessGauges } from "./process.ts";
import { Metrics, type MetricLine } from "./registry.ts";

/** What /metrics answers, and where a process counts. */
export type Scrape = {
  meters: Meters;
  /** Looks at process and database, and writes it all in Prometheus's text format. A database that is away is a figure, no error. */
  read(): Promise<{ contentType: string; text: string }>;
};

/** Opens the metrics of one server. */
export function openMetrics(
  ctx: Pick<Context, "db" | "estate" | "breakers" | "hostClock" | "senders">,
  { slackConnections, jobs }: { slackConnections: () => number | undefined; jobs: readonly string[] },
): Scrape {
  const { metrics, meters, lookInside, lookAround } = makeAll(jobs);
  const readOnce = async () => {
    lookInside({ version, breakers: ctx.breakers, hostClock: ctx.hostClock, slackConnections });
    await lookAround(ctx.db, { services: Object.keys(ctx.estate.services), kinds: new Set(ctx.senders.keys()) });
    return metrics.read();
  };
  // Two at once would reset each other's gauges.
  let last: Promise<unknown> = Promise.resolve();
  return {
    meters,
    read() {
      const reading = last.then(readOnce);
      last = reading.catch(() => undefined);
      return reading;
    },
  };
}

/** Lists every metric there is, for docs/metrics.md, and for whoever checks what a dashboard names. */
export const listMetrics = (): readonly MetricLine[] => makeAll([]).metrics.lines;

function makeAll(jobs: readonly string[]) {
  const metrics = new Metrics();
  return {
    metrics,
    meters: openMeters(metrics, jobs),
    lookInside: openProcessGauges(metrics),
    lookAround: openInstallationGauges(metrics),
  };
}
