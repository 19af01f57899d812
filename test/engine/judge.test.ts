import { describe, expect, it } from "@jest/globals";
import type { EventBody, JournalEvent } from "../../src/engine/events.ts";
import { judge, judgeUndo, type Limits, type Look } from "../../src/engine/judge.ts";
import type { Plan, PlanNode } from "../../src/engine/plan.ts";
import { lingering } from "../../src/engine/undo.ts";
import { fold } from "../../src/engine/fold.ts";
import type { StepView } from "../../src/engine/view.ts";

const start = Date.UTC(2026, 10, 23);
const at = (seconds: number) => new Date(start + seconds * 1000);

const limits: Limits = {
  patienceSeconds: 300,
  settleSeconds: 60,
  pollSeconds: 5,
  applies: true,
  acceptsUnknown: false,
  held: false,
};

const step = "shop/fence";
const node: PlanNode = {
  id: step,
  service: "shop",
  step: "fence",
  kind: "step",
  title: "fence",
  input: {},
  after: [],
  reads: [],
  changes: true,
};

/** A step as its journal tells it: what happened, and at which second. */
function told(...events: [seconds: number, event: EventBody][]): StepView {
  const journal = events.map(([seconds, event], index): JournalEvent => ({
    ...event,
    seq: index + 1,
    epoch: 1,
    at: at(seconds),
  }));
  const record = fold({ nodes: [node] } as unknown as Plan, journal).steps.get(step);
  if (!record) throw new Error("no such step");
  return record;
}

const firstLook: EventBody = { kind: "first-look", step };
const intent = (attempt = 1): EventBody => ({ kind: "intent", step, attempt, before: null });
const applied: EventBody = { kind: "applied", step, attempt: 1 };
const failed = (noEffect: boolean): EventBody => ({ kind: "call-failed", step, attempt: 1, error: "503", noEffect });
const continued: EventBody = { kind: "continued", step, by: "ben", signal: 9 };
const takenOver: EventBody = { kind: "taken-over", from: "worker-1" };

const off: Look = { missing: "it is off" };
const on: Look = { missing: undefined };
const blind: Look = { unknown: "the network is away" };
const early: Look = { missing: "it is off", notYet: "the replica is backing-up" };

const looked = told([0, firstLook]);
const tried = told([0, firstLook], [1, intent()]);
const accepted = told([0, firstLook], [1, intent()], [2, applied]);

describe("what to do about one step", () => {
  it.each<[string, Look, StepView, Partial<Limits>, number, string]>([
    ["nothing is missing", on, looked, {}, 1, "move-on"],
    ["something is missing, and nothing was tried", off, looked, {}, 1, "apply"],
    ["a person holds the run", off, looked, { held: true }, 1, "look-again"],
    ["the change may not be made yet", early, looked, {}, 1, "look-again"],
    ["the change may still not be made when patience is over", early, looked, {}, 300, "park"],
    ["the step only waits", off, looked, { applies: false }, 299, "look-again"],
    ["the step has waited for as long as it may", off, looked, { applies: false }, 300, "park"],
    [
      "the step waits for what only takes time",
      { ...off, onlyTime: true },
      looked,
      { applies: false },
      900,
      "look-again",
    ],
    ["the call was begun, and nobody knows how it ended", off, tried, {}, 60, "look-again"],
    ["that call has had its time, and nothing came of it", off, tried, {}, 61, "apply"],
    ["the call was accepted, and nothing is to be seen of it yet", off, accepted, {}, 301, "look-again"],
    ["nothing has come of an accepted call for too long", off, accepted, {}, 302, "park"],
    ["an accepted call may leave no trace for a while", off, accepted, { traceSeconds: 120 }, 121, "look-again"],
    ["an accepted call has left no trace", off, accepted, { traceSeconds: 120 }, 122, "park"],
    ["an accepted call has left one", early, accepted, { traceSeconds: 120 }, 301, "look-again"],
    ["the call failed on its way", off, told([1, intent()], [2, failed(false)]), {}, 61, "look-again"],
    ["the call failed on its way, a read lag ago", off, told([1, intent()], [2, failed(false)]), {}, 62, "apply"],
    ["the call was refused a moment ago", off, told([1, intent()], [2, failed(true)]), {}, 6, "look-again"],
    ["the call was refused, and a pause has passed", off, told([1, intent()], [2, failed(true)]), {}, 8, "apply"],
    ["nothing can be seen", blind, looked, { acceptsUnknown: true }, 299, "look-again"],
    [
      "nothing could be seen for long, and the step takes that",
      blind,
      looked,
      { acceptsUnknown: true },
      300,
      "accept-unknown",
    ],
    [
      "nothing can be seen, and the step takes that at once",
      blind,
      looked,
      { acceptsUnknown: "at once" },
      1,
      "accept-unknown",
    ],
    [
      "nothing can be seen of a call, and the step takes at once only what nobody touched",
      blind,
      accepted,
      { acceptsUnknown: "at once" },
      2,
      "look-again",
    ],
    ["nothing could be seen for long, and the step must see", blind, looked, {}, 300, "park"],
    [
      "a person said continue after an accepted call",
      off,
      told([1, intent()], [2, applied], [400, continued]),
      {},
      401,
      "apply",
    ],
    [
      "a person had a call made again that left no trace, and it leaves none either",
      off,
      told([1, intent()], [2, applied], [130, continued], [131, intent(2)], [132, { ...applied, attempt: 2 }]),
      { traceSeconds: 120 },
      251,
      "look-again",
    ],
    ["another worker took over a minute ago", blind, told([0, firstLook], [3600, takenOver]), {}, 3660, "look-again"],
  ])("when %s", (_what, look, record, change, seconds, next) => {
    expect(judge(look, record, { ...limits, ...change }, at(seconds)).next).toBe(next);
  });

  it("asks a person after eight tries, with the last error", () => {
    const tries = Array.from({ length: 8 }, (_, n): [number, EventBody][] => [
      [100 * n, intent(n + 1)],
      [100 * n + 1, failed(true)],
    ]).flat();
    const verdict = judge(off, told(...tries), limits, at(2000));
    expect(verdict).toEqual({ next: "park", because: "it is off; 8 tries failed, the last with: 503" });
  });

  it("waits longer after each refusal, and never longer than a minute", () => {
    const pauses = [1, 2, 3, 6, 7].map((count) => {
      const tries = Array.from({ length: count }, (_, n): [number, EventBody][] => [
        [0, intent(n + 1)],
        [0, failed(true)],
      ]).flat();
      const verdict = judge(off, told(...tries), limits, at(0));
      return verdict.next === "look-again" ? verdict.afterSeconds : verdict.next;
    });
    expect(pauses).toEqual([5, 10, 20, 60, 60]);
  });
});

describe("what to do about undoing one step", () => {
  const turned: EventBody = { kind: "turned-back", by: "ben", signal: 5, verb: "cancel" };
  const back: EventBody = { kind: "undo-intent", step, attempt: 1 };

  it.each<[string, Look, StepView, number, string]>([
    ["an accepted call may not be visible yet", on, told([1, intent()], [2, applied], [3, turned]), 61, "look-again"],
    ["everything is as before, a read lag later", on, told([1, intent()], [2, applied], [3, turned]), 62, "move-on"],
    ["a call with no known end may not be visible yet", on, told([1, intent()], [3, turned]), 60, "look-again"],
    ["a refused call left nothing behind", on, told([1, intent()], [2, failed(true)], [3, turned]), 3, "move-on"],
    ["it is still on", off, told([1, intent()], [2, applied], [100, turned]), 100, "apply"],
    [
      "the undo was begun, and nobody knows how it ended",
      off,
      told([1, intent()], [2, applied], [100, turned], [101, back]),
      160,
      "look-again",
    ],
    [
      "nothing can be seen an hour after the last change",
      blind,
      told([1, intent()], [2, applied], [3600, turned]),
      3601,
      "look-again",
    ],
    [
      "nothing could be seen since it was turned back",
      blind,
      told([1, intent()], [2, applied], [3600, turned]),
      3900,
      "park",
    ],
  ])("when %s", (_what, look, record, seconds, next) => {
    expect(judgeUndo(look, record, limits, at(seconds)).next).toBe(next);
  });
});

describe("how long the world still acts on a change that was taken back", () => {
  const lingers = { seconds: 120, because: "resolvers may still send customers there" };
  const back = (end: "undo-applied" | "undo-failed"): [number, EventBody][] => [
    [1, intent()],
    [2, applied],
    [100, { kind: "undo-intent", step, attempt: 1 }],
    [
      101,
      end === "undo-applied"
        ? { kind: end, step, attempt: 1 }
        : { kind: end, step, attempt: 1, error: "503", noEffect: true },
    ],
  ];
  const until = (time: string) => ({ missing: `${lingers.because} until 00:${time} UTC`, onlyTime: true });

  it.each<[string, StepView, number, Look]>([
    ["for its time after the call was accepted", told(...back("undo-applied")), 220, until("03:41")],
    ["and no longer", told(...back("undo-applied")), 221, on],
    ["for its time after the last try, whatever came of that", told(...back("undo-failed")), 220, until("03:41")],
    ["since the order to go back, where somebody else put it back", accepted, 214, until("03:35")],
    ["and no longer than that", accepted, 215, on],
    ["not at all where the change was refused", told([1, intent()], [2, failed(true)]), 100, on],
  ])("%s", (_name, record, second, wanted) => {
    expect(lingering(lingers, record, at(95), at(second))).toEqual(wanted);
  });

  it("is no question where a step says nothing of it", () => {
    expect(lingering(undefined, accepted, at(95), at(96))).toEqual(on);
  });
});
