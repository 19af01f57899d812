import { describe, expect, it } from "@jest/globals";
import { nextAction, showSteps } from "../../commands/run-show.ts";
import { standing } from "../../src/engine/decide.ts";
import type { EventBody, JournalEvent } from "../../src/engine/events.ts";
import { fold } from "../../src/engine/fold.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { tell } from "../../src/engine/tell.ts";
import { restingWords } from "../../src/follow.ts";
import { smallPlan } from "../slack/small-plan.ts";

const at = new Date("2026-11-23T03:00:00Z");
const terminal = { kind: "terminal" } as const;
const run = { id: "fo-1", plan: smallPlan };
const viewOf = (plan: Plan, events: EventBody[]) =>
  fold(
    plan,
    events.map((event, seq): JournalEvent => ({ ...event, seq, epoch: 1, at })),
  );
const told = (events: EventBody[], plan = smallPlan) =>
  tell({ id: "fo-1", plan }, viewOf(plan, events.slice(0, -1)), events.at(-1)!, at);
/** What somebody who follows a run reads at its rest, and below its steps when they look at it. */
function typed(events: EventBody[]) {
  const view = viewOf(smallPlan, events);
  return {
    follow: restingWords(run, standing(view), view),
    show: nextAction(run, view, terminal),
    steps: showSteps(view),
  };
}

const opening: EventBody[] = [{ kind: "proposed", by: "ana", planHash: "abc" }, { kind: "started" }];
const because = "the old writer answers again";
const parked = (step: string, todo?: string): EventBody => ({
  kind: "parked",
  step: `checkout/${step}`,
  because,
  ...(todo === undefined ? {} : { todo }),
});
const promoting: EventBody = { kind: "intent", step: "checkout/promote-replica", attempt: 1, before: null };
const turned: EventBody = { kind: "turned-back", by: "ben", signal: 9, verb: "undo" };
const fenced: EventBody = { kind: "intent", step: "checkout/fence-writes", attempt: 1, before: null };

describe("a step that is parked", () => {
  const todo = "Press Undo, then ask for the move anew.";
  const ways =
    "muster runs continue fo-1 checkout/fence-writes; muster runs waive fo-1 checkout/fence-writes --code <code>; " +
    "muster runs undo fo-1; muster runs show fo-1 tells where it stands.";

  it("tells a terminal what to do, in its own words", () => {
    const { follow, show, steps } = typed([...opening, parked("fence-writes", todo)]);
    expect(follow).toEqual([`Run fo-1: parked at checkout/fence-writes. ${because}.`, todo, `Type ${ways}`]);
    expect(steps[0]).toMatch(new RegExp(`Parked: ${because}\\. ${todo}$`));
    expect(show).toEqual([`  Type ${ways}`]);
  });

  it("tells it in those of every step where it has none", () => {
    const { follow, show } = typed([...opening, parked("fence-writes"), parked("promote-replica")]);
    const generic =
      "Put it right and press Continue, Undo to take back what was changed, or Waive (two approvers) to go on without it.";
    expect(follow.slice(1)).toEqual([generic, `Type ${ways}`, "1 more is parked."]);
    expect(show).toEqual([`  ${generic}`, `  Type ${ways.slice(0, -1)}; the other 1 alike.`]);
    expect(
      nextAction(run, viewOf(smallPlan, [...opening, parked("fence-writes")]), { kind: "slack", channel: "C" }),
    ).toEqual([`  ${generic}`]);
  });

  it.each<[string, EventBody[], string]>([
    ["with a way back", [...opening, parked("fence-writes")], ways],
    [
      "past the point of no return",
      [...opening, promoting, parked("promote-replica")],
      "muster runs continue fo-1 checkout/promote-replica; muster runs waive fo-1 checkout/promote-replica --code <code>; muster runs abandon fo-1; muster runs show fo-1 tells where it stands.",
    ],
    [
      "on its way back",
      [...opening, fenced, turned, parked("fence-writes")],
      "muster runs continue fo-1 checkout/fence-writes; muster runs abandon fo-1; muster runs show fo-1 tells where it stands.",
    ],
  ])("is told by mail with all that may be typed: %s", (_which, events, wanted) => {
    expect(told(events).mail?.lines).toContain(`In a terminal: ${wanted}`);
    const { step } = events.at(-1) as { step: string };
    expect(told([...events, { kind: "reminded", step, times: 1 }]).mail?.lines).toContain(`In a terminal: ${wanted}`);
  });
});

it("a run that Muster itself holds tells a terminal and a mailbox what to look at, and what lets it go on", () => {
  const held: EventBody = { kind: "held", by: "Muster", signal: 0, because: "its database is an older copy" };
  const { follow, show } = typed([...opening, held]);
  const words =
    "Muster holds it: its database is an older copy. Read what was told, look at who writes and where traffic goes; then press Resume, " +
    "and Muster looks at everything again before it changes anything. In a terminal: muster runs resume fo-1.";
  expect([follow, show]).toEqual([[`Run fo-1: ${words}`], [`  ${words}`]]);
  expect(told([...opening, held]).mail?.lines).toContain("In a terminal: muster runs resume fo-1.");
  expect(typed([...opening, { kind: "held", by: "ben", signal: 3 }]).follow).toEqual([
    "Run fo-1: ben holds it: nothing new is changed until somebody presses Resume. In a terminal: muster runs resume fo-1.",
  ]);
});

it("Undo below a message that stays as it is names no services: those that go back when it is pressed may be others", () => {
  const nodes = ["cart", "checkout", "search"].flatMap((service) =>
    smallPlan.nodes.map((node) => ({ ...node, service, id: `${service}/${node.step}` })),
  );
  const region = { ...smallPlan, nodes };
  const undo = told([...opening, parked("fence-writes")], region).milestone?.buttons?.find(
    ({ verb }) => verb === "undo",
  );
  expect(undo?.confirm).toMatch(/^End this run\? Every service that can still go back goes back/);
  expect(undo?.confirm).not.toMatch(/\d/);
});
