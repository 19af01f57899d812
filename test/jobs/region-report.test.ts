import { describe, expect, it } from "@jest/globals";
import { openLines, regionFigureLines, regionReportLines, type RegionReport } from "../../jobs/report/region.ts";
import { wholeOf } from "../../jobs/report/whole.ts";
import type { Moments, Report } from "../../jobs/report/failover.ts";
import { clocksOf } from "../../jobs/story/gantt-clocks.ts";
import { regionParts } from "../../jobs/story/region-parts.ts";

/** Seconds after noon, as a moment. */
const at = (seconds: number) => new Date(Date.parse("2026-11-23T12:00:00.000Z") + seconds * 1000).toISOString();
const short = (moment: string | null) => (moment === null ? null : (Date.parse(moment) - Date.parse(at(0))) / 1000);

/** A service that was away from second 20, and back at 320: kept its objective, and lost 5 s of writes. */
const served = (service: string, more: Partial<Report> = {}): Report => ({
  runId: "fr-1",
  title: "move the region",
  outcome: "done",
  service,
  keepsData: true,
  moments: momentsOf({}),
  seconds: { serviceRecovery: 300, tool: 240, human: 40, rtoObjective: 600 },
  loss: { predictedSeconds: 10, achievedSeconds: 5, rpoObjective: 60, rowsLeftBehind: null },
  probes: { failed: 30, asked: 50 },
  failedCalls: 1,
  takeOvers: 2,
  now: [`${service}-db is not fenced.`],
  ...more,
});

const momentsOf = (more: Partial<Moments>): Moments => ({
  impact: at(30),
  detected: at(40),
  declared: at(50),
  approved: at(80),
  writable: at(200),
  served: at(320),
  held: at(440),
  redundant: null,
  ...more,
});

const checkout = served("checkout");
/** Away earlier, back later: it missed both promises. */
const ledger = served("ledger", {
  moments: momentsOf({ impact: at(10), detected: at(20), writable: at(500), served: at(700), held: at(820) }),
  seconds: { serviceRecovery: 691, tool: 620, human: 60, rtoObjective: 600 },
  loss: { predictedSeconds: 10, achievedSeconds: 90, rpoObjective: 60, rowsLeftBehind: 3 },
});
/** Nobody saw it away, and it has no data. */
const search = served("search", {
  keepsData: false,
  moments: momentsOf({ impact: null, detected: null, writable: null, served: at(330) }),
  seconds: { serviceRecovery: null, tool: 250, human: 30, rtoObjective: 600 },
  loss: { predictedSeconds: 0, achievedSeconds: 0, rpoObjective: 60, rowsLeftBehind: null },
});
const parked = served("blog", {
  outcome: "not over yet",
  moments: momentsOf({ writable: null, served: null, held: null }),
  seconds: { serviceRecovery: null, tool: null, human: 40, rtoObjective: 600 },
  loss: { predictedSeconds: 10, achievedSeconds: null, rpoObjective: 60, rowsLeftBehind: null },
  now: ['Parked at "promote": x. One of ana decides.'],
});

const regionOf = (...reports: Report[]): RegionReport => ({
  runId: "fr-1",
  title: "move the region",
  services: reports.map((report, index) => ({ service: report.service, wave: index + 1, report, turnedBack: false })),
  left: [{ service: "mail", because: "run fo-9 has it in its hands" }],
});

describe("a region's whole", () => {
  // Impact, detected, declared, approved, writable, served, held, redundant; recovery, tool, human.
  const cases: [string, Report[], (number | null)[], (number | null)[]][] = [
    ["is its service, where there is one", [checkout], [30, 40, 50, 80, 200, 320, 440, null], [300, 240, 40]],
    [
      "begins with the first that was away, and ends with the last that is back",
      [checkout, ledger],
      [10, 20, 50, 80, 500, 700, 820, null],
      [691, 620, 60],
    ],
    [
      "spans what no single service went through",
      [
        checkout,
        served("late", {
          moments: momentsOf({ served: at(400) }),
          seconds: { ...ledger.seconds, serviceRecovery: 90 },
        }),
      ],
      [30, 40, 50, 80, 200, 400, 440, null],
      [380, 620, 60],
    ],
    [
      "waits for no database of one without data",
      [checkout, search],
      [30, 40, 50, 80, 200, 330, 440, null],
      [310, 250, 40],
    ],
    [
      "is not over while one is not back",
      [parked, checkout],
      [30, 40, 50, 80, null, null, null, null],
      [null, null, 40],
    ],
    [
      "is not over while one is not back, in any order",
      [checkout, parked],
      [30, 40, 50, 80, null, null, null, null],
      [null, null, 40],
    ],
    ["is nothing without services", [], [null, null, null, null, null, null, null, null], [null, null, null]],
  ];

  it.each(cases)("%s", (_name, reports, moments, seconds) => {
    const whole = wholeOf(regionOf(...reports).services);
    expect(Object.values(whole.moments).map(short)).toEqual(moments);
    expect(Object.values(whole.seconds)).toEqual(seconds);
  });

  it("adds up probes and calls, but not the workers of its one run", () => {
    const whole = wholeOf(regionOf(checkout, ledger, search).services);
    expect(whole).toMatchObject({ probes: { failed: 90, asked: 150 }, failedCalls: 3, takeOvers: 2 });
  });

  it("leaves out what was turned back, and says so", () => {
    const region = regionOf(checkout, ledger);
    const services = region.services.map((one) => ({ ...one, turnedBack: one.service === "ledger" }));
    expect(wholeOf(services)).toEqual(wholeOf(regionOf(checkout).services));
    const { services: rows } = regionParts({ ...region, services }, () => "then");
    expect(rows.map(({ outcome }) => outcome)).toEqual([expect.any(String), "turned back, and not moved"]);
    expect(regionReportLines({ ...region, services }).summary.slice(0, 2)).toEqual([
      "1 of 2 services of this run serve their customers in the new region.",
      "Turned back, and not moved: ledger.",
    ]);
  });

  it("says where one is stuck on its way back", () => {
    const region = regionOf(checkout, parked);
    const services = region.services.map((one) => ({ ...one, turnedBack: one.service === "blog" }));
    expect(openLines({ ...region, services })).toContain('blog: Parked at "promote": x. One of ana decides.');
  });

  it("names who missed which promise, and of whom nobody knows", () => {
    const { missed, loss } = wholeOf(regionOf(checkout, ledger, search, parked).services);
    expect(missed).toEqual({ rto: ["ledger"], rpo: ["ledger"] });
    expect(loss).toEqual({ mostSeconds: 90, unknown: ["blog"] });
  });

  it("does not take the loss of one without data for that of the others", () => {
    expect(wholeOf(regionOf(search, parked).services).loss).toEqual({ mostSeconds: null, unknown: ["blog"] });
    expect(regionFigureLines(regionOf(search, parked))).toContain(
      "Writes lost: unknown. Nobody could measure it for blog.",
    );
    expect(regionFigureLines(regionOf(search)).filter((line) => line.startsWith("Writes lost"))).toEqual([]);
  });

  it("has its replicas again when every service with data has, and has no such moment without data", () => {
    const whole = (...redundant: (string | null)[]) =>
      wholeOf(
        regionOf(...redundant.map((one) => served("a", { moments: momentsOf({ redundant: one }) })), search).services,
      );
    expect(short(whole(at(210), at(250)).moments.redundant)).toBe(250);
    expect(whole(at(210), null).moments.redundant).toBeNull();
    const labels = regionParts(regionOf(search), () => "then").moments.map(([label]) => label);
    expect(labels.filter((label) => /Database|Redundancy/.test(label))).toEqual([]);
  });
});

describe("the report of a region", () => {
  const region = regionOf(checkout, ledger, search, parked);
  const parts = regionParts(region, (moment) => `${short(moment)} s`);

  it("says of each service what became of it, against what was promised", () => {
    expect(parts.services.map((row) => Object.values(row))).toEqual([
      [
        "1",
        "checkout",
        "served since 320 s, window held",
        "5 minutes, kept",
        "10 minutes",
        "at most 5 s, kept",
        "60 seconds",
      ],
      [
        "2",
        "ledger",
        "served since 700 s, window held",
        "11.6 minutes, missed",
        "10 minutes",
        "at most 90 s, missed; 3 rows were left on the old writer",
        "60 seconds",
      ],
      ["3", "search", "served since 330 s, window held", "unknown", "10 minutes", "none; it keeps no data", ""],
      ["4", "blog", "not served yet", "unknown", "10 minutes", "unknown", "60 seconds"],
    ]);
  });

  it("says what the whole came to", () => {
    expect(regionFigureLines(region)).toEqual([
      "3 of 4 services of this run serve their customers in the new region.",
      "All services of this run back: unknown, from the first one's last green probe to the last one's return.",
      "Of that the tool: unknown, from the last approval; people: 60 seconds, until then.",
      "Slowest to recover: 11.6 minutes.",
      "Objective missed: ledger.",
      "Writes lost, at most: 90 s. Nobody could measure it for blog.",
      "More writes lost than promised: ledger.",
      "Probes as customers ask: 120 of 200 failed. Calls that failed on the way: 4. Workers taken over: 2.",
      "mail was not moved: run fo-9 has it in its hands.",
    ]);
    expect(parts.moments.find(([label]) => label === "Customers served again, every service of this run")?.[1]).toBe(
      "unknown",
    );
  });

  it("speaks of all services where none was left out, and once of many that were for one reason", () => {
    const whole = { ...region, left: [] };
    expect(regionFigureLines(whole).slice(0, 2)).toEqual([
      "3 of 4 services serve their customers in the new region.",
      expect.stringMatching(/^All services back: /),
    ]);
    const many = Array.from({ length: 50 }, (_, index) => `service-${index}`);
    const left = many.map((service) => ({ service, because: `the records of ${service}.example.com cannot be seen` }));
    expect(regionReportLines({ ...region, left }).summary.at(-1)).toBe(
      "service-0 and 49 more services were not moved: the records of service-0.example.com cannot be seen.",
    );
  });

  it("says what is open, with the services it is about, and what is parked of one without data, too", () => {
    const held = "ana holds the run; one of ana, ben presses Resume.";
    const open = { outcome: "not over yet", now: [held] };
    expect(openLines(regionOf(served("a", open), served("b", { ...open, keepsData: false }), parked))).toEqual([
      `a, b: ${held}`,
      'blog: Parked at "promote": x. One of ana decides.',
    ]);
    expect(openLines(regionOf(search))).toEqual([
      "search: the pods in the old region were left as they are; they keep no data and do no harm.",
    ]);
  });

  it("as lines gives no verdict by a clock that is not the customers'", () => {
    expect(regionReportLines(region).whole.slice(1, 5)).toEqual([
      "  1. checkout  served after 5 minutes (objective 10 minutes, kept); at most 5 s of writes lost",
      "  2. ledger    served after 11.6 minutes (objective 10 minutes, missed); at most 90 s of writes lost",
      "  3. search    served 4.2 minutes after the last approval (objective 10 minutes)",
      "  4. blog      not served yet (objective 10 minutes)",
    ]);
    const unseen = { ...parked, moments: momentsOf({ served: null }) };
    expect(regionReportLines(regionOf(unseen)).whole[1]).toBe(
      "  1. blog  window held; since when it served is unknown (objective 10 minutes)",
    );
  });

  it("on a chart has both clocks, the customers' bad where one service missed its objective", () => {
    const clocks = (...reports: Report[]) =>
      clocksOf({ region: regionOf(...reports) }).map(({ label, tone }) => [label, tone]);
    expect(clocks(checkout, ledger)).toEqual([
      ["Service clock: 11.6 minutes until the last service was back; 1 of 2 missed their objective", "bad"],
      ["Tool clock: 10.4 minutes from the last approval", "plain"],
    ]);
    expect(clocks(checkout, parked)[0]).toEqual(["Service clock: unknown", "plain"]);
    expect(clocks(checkout, search)[0]?.[1]).toBe("good");
  });
});
