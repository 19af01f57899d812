import { describe, expect, it } from "@jest/globals";
import { inLanes, ticksOf } from "../../jobs/story/gantt-scale.ts";
import { barsOf } from "../../jobs/story/gantt-bars.ts";
import { gantt, stepBars } from "../../jobs/story/gantt.ts";
import { drawGantt } from "../../jobs/story/gantt-svg.ts";
import { htmlOf } from "../../jobs/story/html.ts";
import { linesOf } from "../../jobs/story/lines.ts";
import type { Story } from "../../jobs/story/load.ts";
import { markdownOf } from "../../jobs/story/markdown.ts";
import { partsOf } from "../../jobs/story/parts.ts";
import { showSteps } from "../../commands/run-show.ts";
import { report } from "../../jobs/report/failover.ts";
import { drawPng } from "../../src/adapters/png.ts";
import type { EventBody, JournalEvent } from "../../src/engine/events.ts";
import { fold } from "../../src/engine/fold.ts";
import type { PlanNode } from "../../src/engine/plan.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import { readGolden, names } from "../golden/journals.ts";

const hostile = `<script>alert("x")</script> & | # [a](b) \u0007\n'`;

/** A run's story as a journal of this version tells it; customers were away from a minute before it was asked for. */
function storyOf(name: string, reason?: string): Story {
  const { plan, facts, events } = readGolden(name);
  const view = fold(plan, events);
  const begin = events[0]!.at.getTime();
  const end = events.at(-1)!.at.getTime();
  const probes = Array.from({ length: Math.floor((end - begin) / 10_000) + 12 }, (_, index) => {
    const at = begin - 120_000 + index * 10_000;
    return { at: new Date(at).toISOString(), ok: at < begin - 60_000 || at > end - 19_000 };
  });
  const run = {
    id: "fo-1",
    plan,
    planHash: view.planHash,
    requestedBy: view.requestedBy,
    ...(reason === undefined ? {} : { reason }),
  };
  const made = report({ run, events, probes, facts: facts as unknown as FailoverFacts });
  return { run, events, view, report: made, timeline: [{ at: new Date(begin), line: reason ?? "ana asked." }] };
}

const textsOf = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, words]) => words ?? "");

describe("a step's time, in stretches", () => {
  const at = (seconds: number, event: EventBody): JournalEvent => ({
    ...event,
    seq: seconds,
    epoch: 1,
    at: new Date(seconds * 1000),
  });
  const step = "s/a";
  const looked = at(1, { kind: "first-look", step });
  const tried = at(2, { kind: "intent", step, attempt: 1, before: null });
  const cases: [string, JournalEvent[], string][] = [
    [
      "looks, changes, takes effect",
      [looked, tried, at(3, { kind: "applied", step, attempt: 1 }), at(9, { kind: "done", step, result: null })],
      "wait 1-2, call 2-3, work 3-9",
    ],
    [
      "is parked until somebody continues",
      [
        looked,
        at(4, { kind: "parked", step, because: "x" }),
        at(6, { kind: "continued", step, by: "ben", signal: 1 }),
        at(7, { kind: "done", step, result: null }),
      ],
      "wait 1-4, parked 4-6, wait 6-7",
    ],
    [
      "is a question",
      [at(1, { kind: "asked", step, question: "?", needed: 2 }), at(5, { kind: "done", step, result: null })],
      "asked 1-5",
    ],
    [
      "comes back after a pause",
      [
        looked,
        at(2, { kind: "done", step, result: null }),
        at(5, { kind: "undo-intent", step, attempt: 1 }),
        at(6, { kind: "undone", step }),
      ],
      "wait 1-2, undo 5-6",
    ],
    ["goes on at the newest event", [looked, tried], "wait 1-2, call 2-20"],
    ["ends with its run", [looked, at(8, { kind: "ended", outcome: "failed" })], "wait 1-8"],
    ["that never began has none", [at(2, { kind: "done", step, result: { answer: "not needed" } })], ""],
  ];
  it.each(cases)("%s", (_name, events, wanted) => {
    const bars = barsOf(step, events, { to: 20_000 });
    expect(bars.map(({ kind, from, to }) => `${kind} ${from / 1000}-${to / 1000}`).join(", ")).toBe(wanted);
  });
});

describe("a run that was turned back twice, the second time with a service whose promotion was refused meanwhile", () => {
  const node = (id: string, more: object = {}): PlanNode => ({
    id,
    service: id.split("/")[0] ?? "",
    step: id.split("/")[1] ?? "",
    kind: "step",
    title: id,
    input: {},
    after: [],
    reads: [],
    changes: true,
    ...more,
  });
  const nodes = [
    node("a/shift"),
    node("b/promote", { oneWay: "it is one-way" }),
    node("c/ask", { kind: "gate", changes: false }),
  ];
  const plan = { ...readGolden("graceful").plan, nodes };
  const told: [number, EventBody][] = [
    [0, { kind: "intent", step: "a/shift", attempt: 1, before: null }],
    [1, { kind: "intent", step: "b/promote", attempt: 1, before: null }],
    [2, { kind: "asked", step: "c/ask", question: "Lose 15 s?", needed: 2 }],
    [60, { kind: "turned-back", by: "ben", signal: 1, verb: "undo" }],
    [61, { kind: "undo-intent", step: "a/shift", attempt: 1 }],
    [600, { kind: "call-failed", step: "b/promote", attempt: 1, error: "no", noEffect: true }],
    [601, { kind: "parked", step: "b/promote", because: "it was refused" }],
    [700, { kind: "turned-back", by: "cleo", signal: 2, verb: "undo" }],
    [800, { kind: "undone", step: "a/shift" }],
  ];
  const events = told.map(([seconds, event], seq): JournalEvent => ({
    ...event,
    seq,
    epoch: 1,
    at: new Date(seconds * 1000),
  }));
  const view = fold(plan, events);

  it.each([
    ["a/shift", "call 0-60, undo 61-800"],
    ["b/promote", "call 1-600, wait 600-601, parked 601-700"],
    ["c/ask", "asked 2-60"],
  ])("ends what went on in %s when its own service was turned", (step, wanted) => {
    const bars = stepBars(view, view.steps.get(step)!, events, 800_000);
    expect(bars.map(({ kind, from, to }) => `${kind} ${from / 1000}-${to / 1000}`).join(", ")).toBe(wanted);
  });

  it("asks nothing any more in its report, nor where its steps are shown", () => {
    const story = { ...storyOf("graceful"), view, events };
    const { steps } = partsOf({ ...story, run: { ...story.run, plan } });
    expect(steps.map(({ how }) => how)).toEqual(["taken back", "not done", "not answered: Lose 15 s?"]);
    expect(showSteps(view)).toEqual(["  ↩ a/shift: a/shift", "  0 of 3 steps are done, 2 not begun."]);
    const before = fold(plan, events.slice(0, 3));
    expect(showSteps(before)).toContain("  ? c/ask: c/ask");
  });
});

describe("a chart's scale", () => {
  it.each([
    [20, 2],
    [300, 30],
    [3600, 600],
    [30 * 24 * 3600, 3 * 24 * 3600],
  ])("over %i seconds has a tick every %i or so, and never too many", (seconds, apart) => {
    const ticks = ticksOf(1000, 1000 + seconds * 1000, 11);
    expect(ticks.length).toBeLessThanOrEqual(12);
    expect(ticks.length).toBeGreaterThan(4);
    expect((ticks[1]! - ticks[0]!) / 1000).toBeGreaterThanOrEqual(apart * 0.5);
  });

  it("puts words that would overlap into lanes, and into the first that is free", () => {
    const placed = inLanes(
      [0, 5, 12, 40].map((x) => ({ item: x, x, width: 10 })),
      1,
    );
    expect(placed.map(({ item, lane }) => [item, lane])).toEqual([
      [0, 0],
      [5, 1],
      [12, 0],
      [40, 0],
    ]);
  });
});

describe("a run's chart", () => {
  it("has a line for each step that went on, both clocks, the eight moments, and what people and workers did", () => {
    const chart = gantt(storyOf("taken-over"));
    expect(chart.rows.map(({ label }) => label)).toContain("promote-replica");
    expect(chart.clocks.map(({ label }) => label.split(":")[0])).toEqual(["Service clock", "Tool clock"]);
    expect(chart.clocks.every(({ from, to }) => from !== undefined && to !== undefined && from < to)).toBe(true);
    expect(chart.moments).toHaveLength(8);
    expect(chart.moments.filter(({ at }) => at === undefined).map(({ without }) => without)).toEqual([
      "not looked at by Muster",
    ]);
    expect(chart.happenings.map(({ text }) => text)).toEqual([
      "ana asked",
      "ben approved",
      "cleo approved",
      "worker taken over",
    ]);
  });

  it("tells what was parked, waived and taken back", () => {
    const rows = gantt(storyOf("parked-waived-undone")).rows;
    const pointed = rows.find(({ label }) => label === "point-config");
    expect(pointed).toMatchObject({ end: "undone", note: "taken back, 8 tries" });
    expect(pointed?.bars.some(({ kind }) => kind === "parked")).toBe(true);
  });

  it.each(names)("of the journal %s is drawn with all its words", (name) => {
    const chart = gantt(storyOf(name));
    const words = textsOf(drawGantt(chart));
    for (const { label } of [...chart.rows, ...chart.moments]) expect(words).toContain(label);
    for (const { label } of chart.clocks) expect(words).toContain(label);
  });

  it("stays readable with many services: one line for each", () => {
    const story = storyOf("ungraceful");
    const services = Array.from({ length: 12 }, (_, index) => `service-${index}`);
    const rename = (id: string, service: string) => id.replace("checkout", service);
    const nodes = services.flatMap((service) =>
      story.run.plan.nodes.map((node) => ({ ...node, service, id: rename(node.id, service) })),
    );
    const events = story.events.flatMap((event): JournalEvent[] =>
      "step" in event ? services.map((service) => ({ ...event, step: rename(event.step, service) })) : [event],
    );
    const plan = { ...story.run.plan, nodes };
    const chart = gantt({ ...story, run: { ...story.run, plan }, events, view: fold(plan, events) });
    expect(chart.rows.map(({ label }) => label)).toEqual(services);
    expect(chart.rows[0]?.note).toBe("13 of 13 steps");
  });

  it("shows what came long before it at its edge, and says how long before", () => {
    const story = storyOf("ungraceful");
    const early = new Date(story.view.proposedAt!.getTime() - 3 * 3600_000).toISOString();
    const moments = { ...story.report!.moments, impact: early };
    const chart = gantt({ ...story, report: { ...story.report!, moments } });
    expect(chart.from).toBeGreaterThan(Date.parse(early));
    expect(textsOf(drawGantt(chart)).some((words) => words.endsWith("before this picture"))).toBe(true);
  });

  it("is drawn as a picture with its text: without fonts there would be none", async () => {
    const say = (words: string, more = "") =>
      drawPng(
        `<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20" font-family="'DejaVu Sans', sans-serif"><text x="2" y="15" font-size="14"${more}>${words}</text></svg>`,
      );
    const [none, text, bold] = await Promise.all([say(""), say("Text"), say("Text", ' font-weight="bold"')]);
    expect(text.subarray(1, 4).toString()).toBe("PNG");
    expect(text.equals(none)).toBe(false);
    expect(bold.equals(text)).toBe(false);
    const whole = await drawPng(drawGantt(gantt(storyOf("ungraceful"))));
    expect(whole.readUInt32BE(16)).toBe(1600);
  });

  it("lets nobody's words become markup, and holds no sign that XML forbids", async () => {
    const story = storyOf("ungraceful");
    const plan = { ...story.run.plan, title: hostile };
    const svg = drawGantt(gantt({ ...story, run: { ...story.run, plan } }));
    expect(svg).not.toContain("<script");
    expect(svg).not.toContain("\u0007");
    await expect(drawPng(svg)).resolves.toBeDefined();
  });
});

describe("a run's report", () => {
  it("as Markdown says it all, and nobody's words become anything else", () => {
    const text = markdownOf(partsOf(storyOf("taken-over", hostile)));
    expect(text.split("\n").filter((line) => line.startsWith("#"))).toEqual([
      "# Move checkout to us-west-2: done",
      "## Moments",
      "## Figures",
      "## What now",
      "## Steps",
      "## Timeline",
    ]);
    expect(text).toContain(String.raw`Reason: &lt;script\>alert("x")&lt;/script\> &amp; \| \# \[a\](b)`);
    const rows = text.split("\n").filter((line) => line.startsWith("| "));
    const columns = (row: string) => row.replaceAll(String.raw`\|`, "").split("|").length - 2;
    expect(new Set(rows.map(columns))).toEqual(new Set([2, 5]));
    expect(text).toContain("| promote-replica | make checkout-db-west in us-west-2 the writer of checkout |");
  });

  it("as a page needs nothing else, runs nothing, and escapes everything", () => {
    const story = storyOf("parked-waived-undone", hostile);
    const page = htmlOf(partsOf(story), gantt(story));
    expect(page).not.toMatch(/<script|<link|<img|url\(|href=|src=|@import/i);
    expect(page).toContain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; |");
    expect(page).toContain("default-src 'none'");
    expect(page).toContain("<svg ");
    expect(page).toContain("@media print");
    expect(page).toContain("ben turned it back");
  });

  it("as lines tells what it came to", () => {
    expect(linesOf(partsOf(storyOf("ungraceful"))).slice(0, 5)).toEqual([
      "Move checkout to us-west-2: done. All times are UTC.",
      expect.stringMatching(/^Run fo-1, plan /),
      "ana asked for it.",
      "ben and cleo approved it.",
      expect.stringMatching(/^Impact \(first red probe\): 2/),
    ]);
  });
});
