import { spell } from "../../src/spelling.ts";
import type { RegionReport } from "../report/region.ts";
import type { Report } from "../report/failover.ts";
import { wholeOf } from "../report/whole.ts";
import { time, verdict } from "../report/lines.ts";
import type { Story } from "./load.ts";

/** A clock of the report: what it measures, said in full, and where it ran (milliseconds since 1970) if both ends were seen. */
export type ClockSpan = { label: string; from?: number; to?: number; tone: "good" | "bad" | "plain" };

/** The two clocks of a run that has figures: what customers went through, and what of it was Muster's. Pure. */
export function clocksOf({ report, region }: Pick<Story, "report" | "region">): ClockSpan[] {
  if (region) return regionClocks(region);
  return report ? serviceClocks(report) : [];
}

/** A region has no objective of its own: its clock is bad where a service missed its one. */
function regionClocks({ services }: RegionReport): ClockSpan[] {
  const { seconds, moments, missed } = wholeOf(services);
  const { serviceRecovery, tool } = seconds;
  const late = missed.rto.length > 0 ? `; ${missed.rto.length} of ${services.length} missed their objective` : "";
  return [
    {
      label: `Service clock: ${time(serviceRecovery)}${serviceRecovery === null ? "" : " until the last service was back"}${late}`,
      tone: missed.rto.length > 0 ? "bad" : serviceRecovery === null ? "plain" : "good",
      ...spanTo(moments.served, serviceRecovery),
    },
    toolClock(moments.served, tool),
  ];
}

function serviceClocks({ seconds, moments }: Report): ClockSpan[] {
  const { serviceRecovery, tool, rtoObjective } = seconds;
  return [
    {
      label: `Service clock: ${time(serviceRecovery)}${serviceRecovery === null ? "" : " without service"} (objective ${spell(rtoObjective)}${verdict(serviceRecovery, rtoObjective)})`,
      tone: serviceRecovery === null ? "plain" : serviceRecovery <= rtoObjective ? "good" : "bad",
      ...spanTo(moments.served, serviceRecovery),
    },
    toolClock(moments.served, tool),
  ];
}

const toolClock = (served: string | null, tool: number | null): ClockSpan => ({
  label: `Tool clock: ${time(tool)}${tool === null ? "" : " from the last approval"}`,
  tone: "plain",
  ...spanTo(served, tool),
});

const spanTo = (served: string | null, seconds: number | null): Pick<ClockSpan, "from" | "to"> =>
  seconds === null || served === null ? {} : { from: Date.parse(served) - seconds * 1000, to: Date.parse(served) };
