import { describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import { impactOf, servedOf, type ProbeRow } from "../../jobs/report/outage.ts";
import { report, type ReportInput } from "../../jobs/report/failover.ts";
import { reportLines } from "../../jobs/report/lines.ts";
import type { Fenced } from "../../jobs/report/what-now.ts";
import type { EventBody, JournalEvent } from "../../src/engine/events.ts";
import { eastDead, estate, promotedBefore } from "./facts.ts";

/** Probes every 10 s from noon on: + is green, - is red. */
const probesOf = (marks: string): ProbeRow[] =>
  marks.split("").map((mark, index) => ({ at: moment(index * 10), ok: mark === "+" }));
const moment = (seconds: number) => new Date(Date.parse("2026-11-23T12:00:00.000Z") + seconds * 1000).toISOString();
const short = (at: string | null | undefined) => (at ? (Date.parse(at) - Date.parse(moment(0))) / 1000 : at);

describe("the outage that a failover ended", () => {
  const cases: [string, string, number, unknown[] | undefined][] = [
    ["is the one under way when somebody asked", "++---+++", 35, [10, 20, 30]],
    ["began after the last green probe, flaps before it do not count", "+-+--+++", 35, [20, 30, 40]],
    ["is the first after that in a planned move", "++++-++", 25, [30, 40, null]],
    ["is none where every probe was green", "+++++++", 25, undefined],
    ["is not confirmed by one red probe", "++-+++", 25, [10, 20, null]],
    ["has no beginning that anybody saw without a green probe", "---+", 25, [null, 0, 10]],
  ];

  it.each(cases)("%s", (_name, marks, declared, wanted) => {
    const found = impactOf(probesOf(marks), moment(declared), moment(1000));
    expect(found && [short(found.lastGreen), short(found.firstRed), short(found.confirmed)]).toEqual(wanted);
  });
});

describe("customers are served again", () => {
  const cases: [string, string, number | null, number | null, number | null][] = [
    ["at the first green probe of the window that held", "+----++++++", 40, 100, 50],
    ["not before a red one inside of the window", "+----++-+++", 40, 100, 80],
    ["not by what the old region answered before the shift", "+-++++++++", 55, 90, 60],
    ["not while the window has not held", "+----++++", 40, null, null],
    ["not without a shift", "+----++++", null, 80, null],
  ];

  it.each(cases)("%s", (_name, marks, shifted, held, wanted) => {
    const at = (seconds: number | null) => (seconds === null ? null : moment(seconds));
    expect(short(servedOf(probesOf(marks), at(shifted), at(held)))).toBe(wanted);
  });
});

describe("the report of a failover", () => {
  const plan = failover.plan(estate, { toRegion: "us-west-2", service: "checkout" }, eastDead);
  const at = (seconds: number, event: EventBody): JournalEvent => ({
    ...event,
    seq: seconds,
    epoch: 1,
    at: new Date(moment(seconds)),
  });
  const done = (seconds: number, step: string, result: object = {}) =>
    at(seconds, { kind: "done", step: `checkout/${step}`, result: result as never });
  const story: JournalEvent[] = [
    at(45, { kind: "proposed", by: "ana", planHash: "x" }),
    at(60, { kind: "approved", by: "ben", signal: 1 }),
    at(70, { kind: "approved", by: "cleo", signal: 2 }),
    at(71, { kind: "started" }),
    done(131, "fence-writes", { unknown: "checkout-db does not answer" }),
    done(140, "catch-up", { lossSeconds: 15, counts: null }),
    done(290, "promote-replica"),
    done(300, "verify-database"),
    done(340, "shift-dns"),
    done(460, "watch-stability"),
    at(461, { kind: "ended", outcome: "done" }),
  ];
  const input: ReportInput = {
    run: { id: "fo-1", plan },
    events: story,
    probes: probesOf(`+++${"-".repeat(32)}${"+".repeat(12)}`),
    facts: eastDead,
  };

  it("tells the eight moments, and the clocks against what was promised", () => {
    const made = report(input);
    expect(Object.values(made.moments).map(short)).toEqual([30, 40, 45, 70, 300, 350, 460, null]);
    expect(made.seconds).toEqual({ serviceRecovery: 330, tool: 280, human: 30, rtoObjective: 3600 });
    expect(made.loss).toEqual({ predictedSeconds: 15, achievedSeconds: 15, rpoObjective: 900, rowsLeftBehind: null });
    expect(made.probes).toEqual({ failed: 32, asked: 44 });
    expect(reportLines(made)).toMatchInlineSnapshot(`
      [
        "Report of run fo-1: move checkout to us-west-2. Done.",
        "  Impact (first red probe)  2026-11-23T12:00:30.000Z",
        "  Detected (confirmed)      2026-11-23T12:00:40.000Z",
        "  Declared                  2026-11-23T12:00:45.000Z",
        "  Approved                  2026-11-23T12:01:10.000Z",
        "  Database writable         2026-11-23T12:05:00.000Z",
        "  Customers served again    2026-11-23T12:05:50.000Z",
        "  Window held               2026-11-23T12:07:40.000Z",
        "  Redundancy restored       not looked at by Muster",
        "Service recovery: 5.5 minutes, from the last green probe (objective 60 minutes, kept).",
        "Of that the tool: 4.7 minutes, from the last approval; people: 30 seconds, until then.",
        "Writes lost: at most 15 s measured, at most 15 s predicted (objective 15 minutes, kept).",
        "Probes as customers ask: 32 of 44 failed. Calls that failed on the way: 0. Workers taken over: 0.",
        "What now:",
        "  UNPROTECTED since 2026-11-23T12:04:50Z: checkout-db-west has no replica. One of ana, ben, cleo builds one, in us-east-1 once it is back.",
        "  checkout-db is not fenced: it was out of reach. Muster looks for it, and fences it as soon as it answers.",
      ]
    `);
  });

  it("says of what an earlier run promoted that nobody predicted its loss", () => {
    expect(report({ ...input, facts: promotedBefore }).loss).toMatchObject({ predictedSeconds: null });
  });

  it("rounds up, and calls an objective missed by a second missed", () => {
    const facts = { ...eastDead, objectives: { rtoSeconds: 329, rpoSeconds: 14 } };
    const lines = reportLines(report({ ...input, facts }));
    expect(lines).toContainEqual(expect.stringMatching(/^Service recovery: 5\.5 minutes.*, missed\)/));
    expect(lines).toContainEqual(expect.stringMatching(/^Writes lost: at most 15 s measured.*14 seconds, missed\)/));
  });

  it("says unknown where nobody saw", () => {
    const made = report({ ...input, probes: [], events: story.slice(0, 4) });
    expect([made.outcome, made.seconds.serviceRecovery, made.loss.achievedSeconds]).toEqual([
      "not over yet",
      null,
      null,
    ]);
    expect(made.moments).toMatchObject({ impact: null, detected: null, writable: null, served: null });
  });

  it("does not begin the outage where somebody looked first: nobody knows how long it was before that", () => {
    const made = report({ ...input, probes: probesOf(`${"-".repeat(35)}${"+".repeat(12)}`) });
    expect(made.seconds.serviceRecovery).toBeNull();
    expect(reportLines(made)).toContainEqual(
      "Service recovery: unknown, from the last green probe (objective 60 minutes).",
    );
  });

  it("promises no fence of an old writer that was never replaced", () => {
    const early = report({ ...input, events: story.slice(0, 6) });
    expect(early.now).toContainEqual(
      "checkout-db is not fenced: it was out of reach. Once its replica is promoted, Muster looks for it, and fences it as soon as it answers.",
    );
    const ended = at(150, { kind: "ended", outcome: "failed", because: "ana abandoned it" });
    const abandoned = report({ ...input, events: [...story.slice(0, 6), ended] });
    expect(abandoned.now).toEqual([
      "checkout-db was not fenced (it was out of reach), and nothing was promoted: it stays the writer, and Muster does not fence it any more.",
    ]);
  });

  it("says what is still open, and who decides", () => {
    const parked = report({
      ...input,
      events: [
        ...story.slice(0, 7),
        at(299, { kind: "parked", step: "checkout/open-writes", because: "the role is gone" }),
      ],
    });
    expect(parked.now).toEqual([
      'Parked at "let checkout write at checkout-db-west in us-west-2": the role is gone. One of ana, ben, cleo decides.',
      "UNPROTECTED since 2026-11-23T12:04:50Z: checkout-db-west has no replica. One of ana, ben, cleo builds one, in us-east-1 once it is back.",
      "checkout-db is not fenced: it was out of reach. Muster looks for it, and fences it as soon as it answers.",
    ]);
    const notCompared = "no rows of checkout-db-west were compared: they could not be counted";
    const blind = report({ ...input, events: [...story, done(300, "verify-database", { notCompared })] });
    expect(blind.now.at(-1)).toBe(
      "No rows of checkout-db-west were compared: they could not be counted. One of ana, ben, cleo looks whether all is there.",
    );
  });

  it("names of an open question whose answer still counts, and how many it takes", () => {
    const gate = plan.nodes.find(({ kind, needed }) => kind === "gate" && needed === 2);
    if (!gate) throw new Error("no question takes two");
    const asked = at(141, { kind: "asked", step: gate.id, question: "Lose 15 s of writes?", needed: 2 });
    const answered = at(150, { kind: "answered", step: gate.id, by: "ben", signal: 9 });
    // Ana asked for the run.
    expect(report({ ...input, events: [...story.slice(0, 6), asked] }).now).toContain(
      "A question is open: Lose 15 s of writes? ben and cleo answer it.",
    );
    expect(report({ ...input, events: [...story.slice(0, 6), asked, answered] }).now).toContain(
      "A question is open: Lose 15 s of writes? cleo answers it.",
    );
    // What goes back is asked nothing any more.
    const undo = at(155, { kind: "turned-back", by: "ben", signal: 10, verb: "undo" });
    expect(report({ ...input, events: [...story.slice(0, 6), asked, undo] }).now.join()).not.toContain("question");
  });

  const rf = { runId: "rf-1", at: null, outcome: null, stoppedBy: null, rowsLeftBehind: null };
  it.each<[string, Fenced, string]>([
    [
      "was fenced",
      { ...rf, at: moment(900), outcome: "done", rowsLeftBehind: 3 },
      "checkout-db came back, and was fenced by run rf-1 at 2026-11-23T12:15:00Z.",
    ],
    ["is being fenced", rf, "checkout-db came back; run rf-1 fences it."],
    ["is still being fenced", { ...rf, stoppedBy: "ben" }, "checkout-db came back; run rf-1 fences it."],
    [
      "was left by a person",
      { ...rf, outcome: "failed", stoppedBy: "ben" },
      "checkout-db came back, and is not fenced: ben stopped run rf-1, and Muster starts no other. One of ana, ben, cleo takes the application's role its right to log in there and ends its sessions, or stops the server.",
    ],
    [
      "was left by nobody",
      { ...rf, outcome: "failed" },
      "checkout-db came back, and is not fenced: run rf-1 ended without it. Muster looks for it again, and fences it as soon as it answers.",
    ],
    [
      "was waived",
      { ...rf, outcome: "done" },
      "checkout-db came back, and is not shown to be fenced: the fence of run rf-1 was waived. One of ana, ben, cleo sees that nobody writes there.",
    ],
  ])("says of an old writer that came back, and %s, what is so and who acts", (_what, refence, said) => {
    const made = report({ ...input, refence });
    expect(made.now.filter((line) => line.startsWith("checkout-db came back"))).toEqual([said]);
    const left = /; 3 rows were left on the old writer\.$/;
    expect(reportLines(made).some((line) => left.test(line))).toBe(refence.rowsLeftBehind === 3);
  });
});
