import { describe, expect, it } from "@jest/globals";
import { refence, type RefenceInput } from "../../jobs/refence.ts";
import { absorb } from "../../src/engine/absorb.ts";
import { decide } from "../../src/engine/decide.ts";
import type { EventBody, Verb } from "../../src/engine/events.ts";
import { fold } from "../../src/engine/fold.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { tell } from "../../src/engine/tell.ts";
import { cardButtons } from "../../src/slack/card-buttons.ts";
import { inputs } from "../steps/inputs.ts";
import { estate } from "../jobs/facts.ts";

const at = new Date("2026-11-23T03:00:00Z");
const input: RefenceInput = { ...inputs.fenceReturned, parent: "fo-1" };
const plan = refence.plan(estate, input, {});
const { stopping: _, ...formerPlan } = plan;
const step = "checkout/fence-returned";

const viewOf = (events: EventBody[], given: Plan = plan) =>
  fold(
    given,
    events.map((event, seq) => ({ ...event, seq, epoch: 1, at })),
  );

const parked: EventBody[] = [
  { kind: "proposed", by: "muster", planHash: "x" },
  { kind: "started" },
  { kind: "first-look", step },
  { kind: "parked", step, because: "checkout-db refuses connections" },
];
const turned: EventBody = { kind: "turned-back", by: "ben", signal: 5, verb: "undo" };

/** What people hear of the last of these events. */
const told = (events: EventBody[], given: Plan = plan) =>
  tell({ id: "rf-1", plan: given }, viewOf(events.slice(0, -1), given), events.at(-1)!, at);
const said = (verb: Verb) => ({ verb, by: plan.approvers[0]!, seq: 5, at });

const left =
  "Muster leaves checkout-db as it is, open for writes unless it was fenced before, and will not fence it again";

describe("whoever would stop a run that nobody starts again", () => {
  it("reads in the thread what that leaves", () => {
    const { lines, buttons = [] } = told(parked).milestone!;
    expect(lines[2]).toBe(
      `Put it right and press Continue, Undo to end the run, or Waive (two approvers) to go on without it. If it is ended or waived: ${left}.`,
    );
    for (const { label, confirm } of buttons.filter(({ verb }) => verb !== "continue"))
      expect(`${label}: ${confirm}`).toContain(`${left}.`);
  });

  it("reads it at the card, before the deed", () => {
    const run = { id: "rf-1", plan, planHash: "x" } as Parameters<typeof cardButtons>[0];
    const tried: EventBody[] = [...parked.slice(0, 3), { kind: "intent", step, attempt: 1, before: null }, parked[3]!];
    const asked = [parked, tried]
      .flatMap((events) => cardButtons(run, viewOf(events)))
      .filter(({ verb }) => ["undo", "cancel", "abandon", "waive"].includes(verb));
    expect(new Set(asked.map(({ verb }) => verb))).toEqual(new Set(["cancel", "abandon", "waive"]));
    for (const { confirm } of asked) expect(confirm).toContain(`${left}.`);
    expect(asked.map(({ confirm }) => confirm).join(" ")).not.toMatch(/taken back/);
  });

  it("reads it once it is done", () => {
    expect(told([...parked, turned]).line).toBe(`ben pressed Undo. ${left}.`);
    expect(decide(plan, viewOf([...parked, turned]), at, () => undefined).final?.because).toBe(
      `ben turned it back; ${left}`,
    );
    expect(absorb(plan, viewOf(parked), said("abandon"))[0]).toMatchObject({
      because: `accepted: the run ends here, as it stands; ${left}`,
    });
  });

  it("reads what it always read of a plan of the release before", () => {
    expect(told(parked, formerPlan).milestone?.lines[2]).toMatch(/Undo to take back what was changed/);
    expect(absorb(formerPlan, viewOf(parked, formerPlan), said("abandon"))[0]).toMatchObject({
      because: "accepted: the run ends here, as it stands",
    });
  });
});
