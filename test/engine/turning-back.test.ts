import { describe, expect, it } from "@jest/globals";
import { absorb } from "../../src/engine/absorb.ts";
import { decide, standing } from "../../src/engine/decide.ts";
import type { EventBody, JournalEvent } from "../../src/engine/events.ts";
import { fold } from "../../src/engine/fold.ts";
import type { Plan, PlanNode } from "../../src/engine/plan.ts";
import { tell } from "../../src/engine/tell.ts";
import { spellTurn, turningBack } from "../../src/engine/turning-back.ts";
import { cardButtons } from "../../src/slack/card-buttons.ts";
import { planOf } from "./engine-lab.ts";

const node = (id: string, after: string[] = [], changes = true): PlanNode => ({
  id,
  service: id.split("/")[0] ?? "",
  step: id.split("/")[1] ?? "",
  kind: "step",
  title: id,
  input: {},
  after,
  reads: [],
  changes,
});

const inWaves = [
  node("a/promote"),
  node("b/promote"),
  node("wave-2/start", [], false),
  node("c/promote", ["wave-2/start"]),
  node("wave-3/start", ["wave-2/start"], false),
  node("d/promote", ["wave-3/start"]),
];
/** A look that one service goes on behind, after its change. */
const looked = [node("a/promote"), node("b/promote"), node("probe/look", [], false), node("a/shift", ["probe/look"])];

describe("services that are turned back with a run", () => {
  const cases: [string, PlanNode[], string[], string[]][] = [
    [
      "are all of them while none is past the point of no return",
      inWaves,
      [],
      ["a", "b", "wave-2", "c", "wave-3", "d"],
    ],
    [
      "are not those past it; waves that only others wait for go too",
      inWaves,
      ["a"],
      ["b", "wave-2", "c", "wave-3", "d"],
    ],
    ["do not take away the wave of one past it", inWaves, ["c"], ["a", "b", "wave-3", "d"]],
    ["nor the waves before that", inWaves, ["d"], ["a", "b", "c"]],
    ["nor a look that one past it still waits for", looked, ["a"], ["b"]],
    ["take that look with them when nobody else waits for it", looked, ["b"], ["a", "probe"]],
    ["are none where all are past it", looked, ["a", "b"], []],
  ];

  it.each(cases)("%s", (_name, nodes, past, wanted) => {
    expect([...turningBack(nodes, new Set(past))]).toEqual(wanted);
  });
});

describe("a region's run that is turned back", () => {
  const at = new Date("2026-11-23T03:00:00Z");
  const oneWay = (id: string, after: string[] = []): PlanNode => ({
    ...node(id, after),
    oneWay: "there is no way back",
  });
  // One past its promotion, one before it, and one without data whose customers are through.
  const plan: Plan = planOf([
    oneWay("a/promote"),
    node("a/shift", ["a/promote"]),
    oneWay("b/promote"),
    node("web/shift"),
  ]);
  const seen = (events: EventBody[]) =>
    fold(
      plan,
      events.map((event, seq): JournalEvent => ({ ...event, seq, epoch: 1, at })),
    );
  const under: EventBody[] = [
    { kind: "proposed", by: "ana", planHash: "x" },
    { kind: "started" },
    { kind: "intent", step: "a/promote", attempt: 1, before: null },
    { kind: "done", step: "a/promote", result: null },
    { kind: "done", step: "web/shift", result: null },
  ];
  const held: EventBody = { kind: "held", by: "ana", signal: 3 };
  const back: EventBody = { kind: "turned-back", by: "ben", signal: 4, verb: "cancel" };
  const says = (events: EventBody[], verb: "hold" | "resume") =>
    absorb(plan, seen(events), { seq: 5, by: "cleo", at, verb })[0]?.kind;
  const next = (events: EventBody[]) => {
    const { start, undo } = decide(plan, seen(events), at, () => undefined);
    return { start: start.map(({ id }) => id), undo: undo.map(({ id }) => id) };
  };

  it("names who goes back, also those who are through, and who does not", () => {
    expect(spellTurn(plan, seen(under))).toBe(
      "2 of 3 services go back to where they were, last change first, and no later wave begins. Among them are some whose customers are through already: web. Past their promotion, these go on: a.",
    );
    expect(spellTurn(plan, seen([...under, held]))).toMatch(/these stay held: a\.$/);
  });

  it("is not what a word to one step asks for, though an older Muster passed it on", () => {
    const to = (verb: "undo" | "abandon") =>
      absorb(plan, seen(under), { seq: 5, by: "cleo", at, verb, step: "b/promote" });
    const because = "that is about all of the run, and never about one step of it such as b/promote";
    expect([to("undo"), to("abandon")]).toMatchObject([[{ kind: "refused", because }], [{ kind: "refused", because }]]);
  });

  it("stays held where it only goes forward, until somebody presses Resume", () => {
    expect(next([...under, back])).toEqual({ start: ["a/shift"], undo: [] });
    expect(next([...under, held, back])).toEqual({ start: [], undo: [] });
    expect(standing(seen([...under, held, back]))).toBe("held");
    expect(says([...under, held, back], "resume")).toBe("resumed");
  });

  describe("while a promotion was under way that is refused since", () => {
    const refused: EventBody = { kind: "call-failed", step: "a/promote", attempt: 1, error: "no", noEffect: true };
    const parked = (step: string): EventBody => ({ kind: "parked", step, because: "it was refused" });
    // The same run, but for the end of the first promotion.
    const begun = [...under.slice(0, 3), back, refused, parked("a/promote"), parked("web/shift")];
    const again = { seq: 9, by: "cleo", at, verb: "undo" } as const;
    const buttons = (events: EventBody[]) =>
      cardButtons({ id: "r", plan, planHash: "x", requestedBy: "ana", approveUntil: at }, seen(events)).map(
        ({ label }) => label,
      );

    it("can be turned back again, which takes that service along, and lets what is parked on its way back be", () => {
      expect(absorb(plan, seen(begun.slice(0, 4)), again)).toMatchObject([{ kind: "refused" }]);
      expect(absorb(plan, seen(begun), again)).toMatchObject([{ kind: "turned-back", by: "cleo" }]);
      const view = seen([...begun, { ...back, by: "cleo", signal: 9 }]);
      expect([...view.turnedBack!.services.keys()].toSorted()).toEqual(["a", "b", "web"]);
      expect([view.steps.get("a/promote")?.parked, view.steps.get("web/shift")?.parked]).toMatchObject([
        undefined,
        { because: "it was refused" },
      ]);
      expect(absorb(plan, view, { ...again, seq: 10 })).toMatchObject([{ because: "it is on its way back already" }]);
    });

    it("offers that on its card and where it is parked", () => {
      expect(buttons(begun.slice(0, 4))).toEqual(["Hold"]);
      expect(buttons(begun)).toEqual(expect.arrayContaining(["Undo", "Abandon"]));
      expect(spellTurn(plan, seen(begun))).toBe(
        "1 of 3 services goes back to where it was, last change first, and no later wave begins. Back already, or on their way: b, web.",
      );
      const { milestone } = tell({ id: "r", plan }, seen(begun.slice(0, 5)), begun[5] as JournalEvent, at);
      expect(milestone?.buttons?.map(({ label }) => label)).toEqual(["Continue", "Waive", "Undo"]);
    });
  });

  it("goes back all the same, and can be held on its way forward", () => {
    const touched: EventBody = { kind: "intent", step: "web/shift", attempt: 1, before: null };
    expect(next([...under, touched, held, back]).undo).toEqual(["web/shift"]);
    expect(standing(seen([...under, touched, held, back]))).toBe("turning back");
    expect(says([...under, back], "hold")).toBe("held");
  });
});
