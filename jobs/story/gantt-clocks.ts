import { spell } from "../../src/engine/judge.ts";
import type { Report } from "../report.ts";
import { time, verdict } from "../report-lines.ts";

/** A clock of the report: what it measures, said in full, and where it ran (milliseconds since 1970) if both ends were seen. */
export type ClockSpan = { label: string; from?: number; to?: number; tone: "good" | "bad" | "plain" };

/** The two clocks of a failover: what customers went through, and what of it was Muster's. Pure. */
export function clocksOf({ seconds, moments }: Report): ClockSpan[] {
  const { serviceRecovery, tool, rtoObjective } = seconds;
  const span = (length: number | null): Pick<ClockSpan, "from" | "to"> =>
    length === null || moments.served === null
      ? {}
      : { from: Date.parse(moments.served) - length * 1000, to: Date.parse(moments.served) };
  return [
    {
      label: `Service clock: ${time(serviceRecovery)}${serviceRecovery === null ? "" : " without service"} (objective ${spell(rtoObjective)}${verdict(serviceRecovery, rtoObjective)})`,
      tone: serviceRecovery === null ? "plain" : serviceRecovery <= rtoObjective ? "good" : "bad",
      ...span(serviceRecovery),
    },
    {
      label: `Tool clock: ${time(tool)}${tool === null ? "" : " from the last approval"}`,
      tone: "plain",
      ...span(tool),
    },
  ];
}
