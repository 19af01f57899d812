import { describe, expect, it } from "@jest/globals";
import { absorb } from "../../src/engine/absorb.ts";
import { decide } from "../../src/engine/decide.ts";
import type { BrokenGlass } from "../../src/engine/break-glass.ts";
import type { EventBody, JournalEvent } from "../../src/engine/events.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { tell } from "../../src/engine/tell.ts";
import { fold } from "../../src/engine/fold.ts";
import { smallPlan } from "../slack/small-plan.ts";

const at = new Date("2026-11-23T03:00:00Z");
const [fence, loss, promote] = smallPlan.nodes.map(({ id }) => id) as [string, string, string];

const viewOf = (plan: Plan, events: EventBody[]) =>
  fold(
    plan,
    events.map((event, seq): JournalEvent => ({ ...event, seq, epoch: 1, at })),
  );

/** What is told of the last of these events. */
function told(events: EventBody[], plan = smallPlan) {
  return tell({ id: "fo-1", plan }, viewOf(plan, events.slice(0, -1)), events.at(-1)!, at);
}

const opening: EventBody[] = [{ kind: "proposed", by: "ana", planHash: "abc" }, { kind: "started" }];
const question = "20 s of writes would be lost. Promote?";
const asked: EventBody = { kind: "asked", step: loss, question, needed: 2 };
const promoting: EventBody = { kind: "intent", step: promote, attempt: 1, before: null };
const refusal = { kind: "call-failed", step: promote, attempt: 1, error: "AccessDenied", noEffect: true } as const;
const turned: EventBody = { kind: "turned-back", by: "ben", signal: 9, verb: "undo" };
const parked = (step: string, todo?: string): EventBody => ({
  kind: "parked",
  step,
  because: "it does not answer",
  ...(todo === undefined ? {} : { todo }),
});
const onlyOne: BrokenGlass = { by: "ana", rules: ["two-people"], reason: "fire" };

/** What Decline at the question writes into the journal of the run. */
function declined(events: EventBody[]): EventBody {
  const signal = { seq: 7, by: "ben", at, verb: "decline", step: loss } as const;
  return absorb(smallPlan, viewOf(smallPlan, events), signal).find(({ kind }) => kind === "parked")!;
}

describe("what people may do about a parked step", () => {
  it.each<[string, EventBody[], string, Plan?]>([
    [
      "a step with a way back",
      [...opening, parked(fence)],
      "Put it right and press Continue, Undo to take back what was changed, or Waive (two approvers) to go on without it.",
    ],
    [
      "a step with a way back, where one is enough",
      [...opening, parked(fence)],
      "Put it right and press Continue, Undo to take back what was changed, or Waive (one approver) to go on without it.",
      { ...smallPlan, breakGlass: onlyOne },
    ],
    [
      "a step past the point of no return",
      [...opening, promoting, parked(promote)],
      "Put it right and press Continue, or Waive (two approvers) to go on without it.",
    ],
    [
      "a step past a promotion that was refused",
      [...opening, promoting, refusal, parked(promote)],
      "Put it right and press Continue, Undo to take back what was changed, or Waive (two approvers) to go on without it.",
    ],
    [
      "a step past a promotion that was refused, and may have been made before",
      [...opening, promoting, { ...promoting, attempt: 2 }, { ...refusal, attempt: 2 }, parked(promote)],
      "Put it right and press Continue, or Waive (two approvers) to go on without it.",
    ],
    [
      "a step on its way back",
      [...opening, turned, parked(fence)],
      "Put it right and press Continue, or Abandon to end the run with everything left as it is.",
    ],
    [
      "a question with a way back",
      [...opening, asked, declined([...opening, asked])],
      "Press Continue to ask again, or Undo to take back what was changed.",
    ],
    [
      "a question past the point of no return",
      [...opening, promoting, asked, declined([...opening, promoting, asked])],
      "Press Continue to ask again.",
    ],
    [
      "a step that knows better itself",
      [...opening, parked(fence, "Start the version that made this plan.")],
      "Start the version that made this plan.",
    ],
  ])("reads well: %s", (_name, events, todo, plan = smallPlan) => {
    expect(told(events, plan).milestone?.lines[2]).toBe(todo);
    const step = (events.at(-1) as { step: string }).step;
    expect(told([...events, { kind: "reminded", step, times: 1 }], plan).milestone?.lines[1]).toBe(todo);
  });
});

describe("a question that somebody said no to", () => {
  const no = [...opening, asked, declined([...opening, asked])];

  it("is told as that, and not as something Muster could not do", () => {
    expect(told(no).milestone?.lines).toEqual([
      `Parked: ben said no to: "${question}".`,
      "Nothing more happens there.",
      "Press Continue to ask again, or Undo to take back what was changed.",
    ]);
    expect(told(no).milestone?.buttons?.map(({ label }) => label)).toEqual(["Continue", "Undo"]);
  });

  it("is asked again when somebody presses Continue", () => {
    expect(told([...no, { kind: "continued", step: loss, by: "cleo", signal: 8 }]).line).toBe(
      "cleo pressed Continue: the question is asked again.",
    );
  });

  it("is not told as a no where this Muster does not know the question", () => {
    expect(told([...opening, parked(loss, "Start the version that made this plan.")]).milestone?.lines[1]).toMatch(
      /^Muster could not /,
    );
  });
});

describe("a question that is still open", () => {
  const yes: EventBody = { kind: "answered", step: loss, by: "ben", signal: 8 };
  const again: EventBody = { kind: "reminded", step: loss, times: 1 };
  it.each<[string, EventBody[], string[]]>([
    ["all whose answer counts, so not who asked for the run", [...opening, asked, again], ["ben", "cleo"]],
    ["none of those who have answered", [...opening, asked, yes, again], ["cleo"]],
  ])("reminds %s", (_who, events, people) => {
    const { milestone, mail } = told(events);
    expect([milestone?.mention, mail?.people]).toEqual([people, people]);
  });
});

describe("a question about a service on its way back", () => {
  const back: EventBody[] = [...opening, asked, turned];

  it.each(["approve", "decline"] as const)("takes no %s", (verb) => {
    expect(absorb(smallPlan, viewOf(smallPlan, back), { seq: 10, by: "ben", at, verb, step: loss })).toMatchObject([
      { kind: "refused", because: "its service is on its way back; nothing is asked about it any more" },
    ]);
  });

  it("reminds nobody, not even where an older server took a no to it", () => {
    const view = viewOf(smallPlan, [...back, declined([...opening, asked])]);
    const late = new Date(at.getTime() + 600_000);
    expect(decide(smallPlan, view, late, () => question).write).toEqual([]);
  });
});

describe("an answer that names no question", () => {
  it.each(["approve", "decline"] as const)("%s is told which step to name", (verb) => {
    const view = viewOf(smallPlan, [...opening, asked]);
    expect(absorb(smallPlan, view, { seq: 7, by: "ben", at, verb })).toMatchObject([
      { kind: "refused", because: expect.stringContaining(`a question is answered with its step (${loss})`) },
    ]);
  });

  it("is told the same by mail, and where the run is followed", () => {
    const { mail, milestone } = told([...opening, asked]);
    expect(mail?.lines).toContain(
      `In a terminal: muster runs approve fo-1 ${loss} --code <code>, or muster runs decline fo-1 ${loss}.`,
    );
    expect(milestone?.lines.join("\n")).not.toContain("terminal");
  });
});

it("a waive that was offered when the step was parked before counts no more", () => {
  const again: EventBody[] = [
    ...opening,
    parked(fence),
    { kind: "continued", step: fence, by: "ben", signal: 5 },
    parked(fence),
  ];
  const waive = (park?: number) =>
    absorb(smallPlan, viewOf(smallPlan, again), {
      seq: 8,
      by: "cleo",
      at,
      verb: "waive",
      step: fence,
      ...(park === undefined ? {} : { park }),
    })[0]?.kind;
  expect([waive(1), waive(2), waive()]).toEqual(["refused", "waive-seconded", "waive-seconded"]);
  expect(told(again).milestone?.buttons?.find(({ label }) => label === "Waive")?.park).toBe(2);
});

it("a promotion that was refused, and that people went on from, is past return: they may have made it by hand", () => {
  const refusedOnce: EventBody[] = [...opening, promoting, refusal, parked(promote)];
  const waived: EventBody = { kind: "waived", step: promote, by: "cleo", signal: 8 };
  const undo = (events: EventBody[]) =>
    absorb(smallPlan, viewOf(smallPlan, events), { seq: 9, by: "ben", at, verb: "undo" })[0]?.kind;
  expect([undo(refusedOnce), undo([...refusedOnce, waived])]).toEqual(["turned-back", "refused"]);
});

describe("a question that is answered", () => {
  it("is told by the question, not by what Muster did to ask it", () => {
    expect(told([...opening, asked, { kind: "answered", step: loss, by: "ben", signal: 4 }]).line).toBe(
      `ben said yes to: "${question}".`,
    );
    const result = { answer: "yes", by: ["ben", "cleo"] };
    expect(told([...opening, asked, { kind: "done", step: loss, result }]).line).toBe(
      `Answered with yes: "${question}".`,
    );
  });
});

it("a yes after a no is refused until the question is asked again", () => {
  const no = [...opening, asked, declined([...opening, asked])];
  const yes = { seq: 8, by: "cleo", at, verb: "approve", step: loss } as const;
  expect(absorb(smallPlan, viewOf(smallPlan, no), yes)).toMatchObject([
    { kind: "refused", because: "somebody has said no to it; press Continue, and it is asked again" },
  ]);
  const again: EventBody[] = [...no, { kind: "continued", step: loss, by: "cleo", signal: 9 }, asked];
  expect(absorb(smallPlan, viewOf(smallPlan, again), yes)).toMatchObject([{ kind: "answered", by: "cleo" }]);
});

describe("whom is asked", () => {
  const one: Plan = {
    ...smallPlan,
    nodes: smallPlan.nodes.map((node) => (node.id === loss ? { ...node, needed: 1 } : node)),
  };
  const askedOne: EventBody = { kind: "asked", step: loss, question, needed: 1 };

  it.each<[string, Plan, EventBody, string[]]>([
    ["of two, all but the one who asked for the run", smallPlan, asked, ["ben", "cleo"]],
    ["of one, also the one who asked for the run", one, askedOne, ["ana", "ben", "cleo"]],
    [
      "of one because a rule is broken, all but the one who asked",
      { ...smallPlan, breakGlass: onlyOne },
      askedOne,
      ["ben", "cleo"],
    ],
  ])("%s: who is mailed is who may answer", (_name, plan, question, people) => {
    expect(told([...opening, question], plan).mail?.people).toEqual(people);
    const view = viewOf(plan, [...opening, question]);
    const may = plan.approvers.filter(
      (by) => absorb(plan, view, { seq: 5, by, at, verb: "approve", step: loss })[0]?.kind === "answered",
    );
    expect(may).toEqual(people);
  });
});

it("a take-over tells what is known of the one before, who may live, and may be the same", () => {
  const line = (to?: string) =>
    told([...opening, { kind: "taken-over", from: "one", ...(to === undefined ? {} : { to }) }]).line;
  expect(line("two")).toBe(
    "Another server took this run over: one had not renewed it. That one stopped, or Muster's database did not answer it. The run goes on where it stopped.",
  );
  expect(line()).toBe(line("two"));
  expect(line("one")).toMatch(/^one took this run up again: /);
});

it("a reminder for approvals says when the plan expires and both ways to approve", () => {
  expect(told([opening[0]!, { kind: "approval-reminded", times: 1 }]).mail?.lines[1]).toBe(
    "It expires at 03:15 UTC. Approve on the card in Slack, or in a terminal: muster runs approve fo-1 --code <code>.",
  );
});
