import { describe, expect, it } from "@jest/globals";
import { announced, type Occasion } from "../../src/engine/announce.ts";
import type { EventBody, JournalEvent } from "../../src/engine/events.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { tell } from "../../src/engine/tell.ts";
import { fold } from "../../src/engine/fold.ts";
import { smallPlan } from "../slack/small-plan.ts";

const [fence, loss, promote, verify] = smallPlan.nodes.map(({ id }) => id) as [string, string, string, string];
const at = new Date("2026-11-23T03:00:00Z");

const occasions: Occasion[] = [
  { kind: "started" },
  { kind: "done", steps: [promote, verify] },
  { kind: "parked", unlessDone: [verify] },
  { kind: "ended", unlessDone: [verify] },
];
const plan: Plan = {
  ...smallPlan,
  announcements: occasions.map((on) => ({ on, to: "elsewhere", payload: { lines: [on.kind] } })),
};

const done = (step: string, result = {}): EventBody => ({ kind: "done", step, result });
const parked = (step: string): EventBody => ({ kind: "parked", step, because: "it does not answer" });
const ended = (outcome: "done" | "cancelled"): EventBody => ({ kind: "ended", outcome });
const waived = (step: string): EventBody => ({ kind: "waived", step, by: "ben", signal: 1 });
const continued = (step: string): EventBody => ({ kind: "continued", step, by: "ben", signal: 2 });

/** Two services; one is put in order again behind its proof, and the other waits for that proof. */
const [trust, resume, start, other] = ["checkout/trust", "checkout/resume", "wave-2/start", "basket/verify"] as const;
const nodeOf = (id: string, after: string[]) => ({
  ...smallPlan.nodes[3]!,
  id,
  service: id.split("/")[0] ?? "",
  step: id.split("/")[1] ?? "",
  after,
});
const twoServices: Plan = {
  ...smallPlan,
  nodes: [
    ...smallPlan.nodes,
    nodeOf(trust, [verify]),
    nodeOf(resume, [trust]),
    nodeOf(start, [verify]),
    nodeOf(other, [start]),
  ],
  announcements: [
    { on: { kind: "parked", unlessDone: [verify, other] }, to: "elsewhere", payload: { lines: ["parked"] } },
  ],
};

/** What is announced in the course of these events, in order. */
function heard(events: EventBody[], plan: Plan): string[] {
  const journal: JournalEvent[] = events.map((event, seq) => ({ ...event, seq, epoch: 1, at }));
  return journal.flatMap((event, index) =>
    announced(plan, fold(plan, journal.slice(0, index)), event).map(({ payload }) => payload.lines[0] ?? ""),
  );
}

const started: EventBody = { kind: "started" };

describe("what others are told of a run", () => {
  it.each<[string, EventBody[], string[]]>([
    [
      "its start, and its proof once the last step of it is done",
      [started, done(promote), done(verify), ended("done")],
      ["started", "done"],
    ],
    ["whatever the order of the steps", [started, done(verify), done(promote), ended("done")], ["started", "done"]],
    ["that it ended, where the proof is missing", [started, done(promote), ended("cancelled")], ["started", "ended"]],
    [
      "that it ended, where the proof was waived",
      [started, done(promote), waived(verify), ended("done")],
      ["started", "ended"],
    ],
    [
      "that it ended, where the proof could not be seen",
      [started, done(promote), done(verify, { unknown: "nobody answers" }), ended("done")],
      ["started", "ended"],
    ],
    ["that it parked, once while anything is parked", [started, parked(fence), parked(promote)], ["started", "parked"]],
    [
      "that it parked again",
      [started, parked(fence), continued(fence), parked(fence)],
      ["started", "parked", "parked"],
    ],
    ["no parking after the proof", [started, done(promote), done(verify), parked(loss)], ["started", "done"]],
    ["nothing of one that never started", [ended("cancelled")], []],
  ])("is %s", (_what, events, told) => {
    expect(heard(events, plan)).toEqual(told);
  });

  it.each<[string, EventBody[], number]>([
    ["the question behind its own proof", [started, done(verify), parked(trust)], 0],
    ["what stands behind that", [started, done(verify), done(trust), parked(resume)], 0],
    ["the same, though its proof was waived", [started, waived(verify), parked(trust)], 0],
    ["the proof itself", [started, parked(verify)], 1],
    ["a step before the proof", [started, parked(fence), parked(verify)], 1],
    ["another service's step behind it", [started, done(verify), parked(start)], 1],
    [
      "another service's proof, after a question that was declined",
      [started, done(verify), parked(trust), parked(other)],
      1,
    ],
    ["another service's proof, and a question after it", [started, done(verify), parked(other), parked(trust)], 1],
  ])("tells customers of trouble only where theirs it is: %s parks", (_what, events, times) => {
    expect(heard(events, twoServices)).toHaveLength(times);
  });

  it("is nothing where the plan has nothing to announce", () => {
    expect(tell({ id: "fo-1", plan: smallPlan }, fold(smallPlan, []), started, at)).not.toHaveProperty("announcements");
  });

  it("may leave something to those who work on it, who read it with the event", () => {
    const leaves: Plan = {
      ...smallPlan,
      announcements: [{ on: { kind: "started" }, to: "elsewhere", payload: { lines: [] }, aside: "Close it." }],
    };
    const { milestone, line } = tell({ id: "fo-1", plan: leaves }, fold(leaves, []), started, at);
    expect(milestone?.lines).toEqual([line, "Close it."]);
  });
});
