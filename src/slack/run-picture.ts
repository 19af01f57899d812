import { drawPng } from "../adapters/png.ts";
import { messageOf } from "../errors.ts";
import { gantt } from "../../jobs/story/gantt.ts";
import { drawGantt } from "../../jobs/story/gantt-svg.ts";
import { loadStory } from "../../jobs/story/load.ts";
import type { DrawRun } from "./chart-sender.ts";

/** Pixels for one unit of the chart: sharp where people enlarge it. */
const zoom = 1.5;

/** Draws a run's chart for its thread. What cannot be drawn is left out, and logged: nobody waits for a picture. */
export const drawRun: DrawRun = async (ctx, runId) => {
  const story = await loadStory(ctx, runId);
  try {
    const chart = gantt(story);
    const { title, outcome, rows } = chart;
    return {
      fileName: `${runId}.png`,
      title: `${title}: ${outcome}`,
      alt: `The run's ${rows.length} steps by time. ${title}: ${outcome}. ${chart.clocks.map(({ label }) => label).join(". ")}`,
      png: await drawPng(drawGantt(chart), { zoom }),
    };
  } catch (error) {
    ctx.log.error({ run: runId, error: messageOf(error) }, "a run's chart could not be drawn");
    return undefined;
  }
};
