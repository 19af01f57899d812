import { Activity } from "../activity.ts";
import { readConfig } from "../config.ts";
import { startMuster } from "../main.ts";

/**
 * One server of Muster as a process of its own: what `muster serve` starts, plus a report to the lab of when it was
 * waiting for something outside, which is how the lab tells Muster's own time from everybody else's.
 */
export type SpanReport = { spans: Span[] };
export type Span = {
  /** A call under way outside Muster's own database, or a wait of a step on the clock. */
  kind: "call" | "wait";
  name: string;
  /** Wall milliseconds since the epoch. */
  from: number;
  to: number;
};

const spans: Span[] = [];
const activity = new Activity();
activity.onSpan = (kind, name, from, to) => {
  spans.push({ kind, name, from: performance.timeOrigin + from, to: performance.timeOrigin + to });
};
const report = () => process.send?.({ spans: spans.splice(0) } satisfies SpanReport);
setInterval(report, 200).unref();

const [worker = `server-${process.pid}`, version] = process.argv.slice(2);
const release = version === undefined ? {} : { engineVersion: Number(version) };
const muster = await startMuster(readConfig(), { activity, worker, ...release });
process.send?.("ready");
const stop = async () => {
  await muster.stop();
  report();
  process.disconnect?.();
};
// A lab that is gone cannot say goodbye: its end of the channel closes.
process.once("disconnect", () => process.exit(0));
process.once("SIGTERM", () => void stop());
