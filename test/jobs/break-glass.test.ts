import { describe, expect, it } from "@jest/globals";
import { recentMove } from "../../jobs/verdict/cool-down.ts";
import { failoverRegion } from "../../jobs/failover-region.ts";
import { failover, type FailoverInput } from "../../jobs/failover.ts";
import { absorb } from "../../src/engine/absorb.ts";
import { breakableRules, type BreakableRule, spellBroken } from "../../src/engine/break-glass.ts";
import type { EventBody, JournalEvent, Signal } from "../../src/engine/events.ts";
import { decide } from "../../src/engine/decide.ts";
import { hashPlan, type Plan } from "../../src/engine/plan.ts";
import type { Json } from "../../src/engine/step.ts";
import { tell } from "../../src/engine/tell.ts";
import { fold } from "../../src/engine/fold.ts";
import type { FailoverFacts } from "../../src/facts/failover.ts";
import { eastDead, estate, saw } from "./facts.ts";

const wish: FailoverInput = { toRegion: "us-west-2", service: "checkout" };
const broken = (...rules: BreakableRule[]): FailoverInput => ({
  ...wish,
  breakGlass: { by: "ana", rules, reason: "nobody else is awake" },
});
const planOf = (input: FailoverInput, facts: FailoverFacts = eastDead): Plan => failover.plan(estate, input, facts);
const moved = (secondsAgo: number): FailoverFacts => ({
  ...eastDead,
  lastMove: saw({
    last: {
      run: "fo-last",
      title: "move checkout to us-east-1",
      at: new Date(Date.parse(eastDead.lookedAt) - secondsAgo * 1000).toISOString(),
    },
  }),
});

const journal = (...events: EventBody[]): JournalEvent[] =>
  events.map((event, index) => ({ ...event, seq: index + 1, epoch: 1, at: new Date(1000 * index) }));
const proposed: EventBody = { kind: "proposed", by: "ana", planHash: "h" };
const says = (plan: Plan, events: JournalEvent[], signal: Partial<Signal>) =>
  absorb(plan, fold(plan, events), { seq: 9, verb: "approve", by: "ana", at: new Date(0), planHash: "h", ...signal });
const kindOf = ([event]: EventBody[]) => event?.kind;

describe("a rule that somebody breaks", () => {
  it("stands in the plan, in its hash, and first of all that is read", () => {
    const [usual, plan] = [planOf(wish), planOf(broken("loss", "requester"))];
    expect(plan.breakGlass).toEqual({ by: "ana", rules: ["loss", "requester"], reason: "nobody else is awake" });
    expect(plan.warnings[0]).toBe(
      "BREAK GLASS: ana breaks the rules loss (nobody is asked before more is lost than promised), requester (whoever asked may approve it). Reason: nobody else is awake. Every rule that is not named holds.",
    );
    const facts = eastDead as unknown as Json;
    expect(hashPlan(plan, facts)).not.toBe(hashPlan(usual, facts));
    expect(hashPlan(plan, facts)).not.toBe(hashPlan(planOf(broken("loss")), facts));
    const { rows } = failover.preview(plan, eastDead);
    expect(rows.find(({ label }) => label === "Rules hit")).toMatchObject({
      value: expect.stringContaining("broken: loss, requester"),
      tone: "bad",
    });
  });

  it("requester: a region's card does not say that the one who asked may not approve", () => {
    const services = { checkout: eastDead };
    const facts = { toRegion: "us-west-2", lookedAt: eastDead.lookedAt, services, held: {}, unmovable: {} };
    const mayApprove = ({ breakGlass }: FailoverInput) => {
      const plan = failoverRegion.plan(estate, { toRegion: "us-west-2", breakGlass }, facts);
      return failoverRegion.preview(plan, facts).rows.find(({ label }) => label === "May approve")?.value;
    };
    expect(mayApprove(wish)).toBe("ana, ben, cleo: 2 of them, not the one who asked");
    expect(mayApprove(broken("requester"))).toBe("ana, ben, cleo: 2 of them, also the one who asked");
  });

  // Who approves: [ana alone, ben alone, ana and ben]. Ana asked.
  const approvals: [BreakableRule[], boolean, boolean, boolean][] = [
    [[], false, false, false],
    [["loss", "cool-down"], false, false, false],
    [["two-people"], false, true, true],
    [["requester"], false, false, true],
    [["requester", "two-people"], true, true, true],
  ];
  it.each(approvals)("%j: enough people are", (rules, ana, ben, both) => {
    const plan = rules.length > 0 ? planOf(broken(...rules)) : planOf(wish);
    const isEnough = (...people: string[]) => {
      let events = journal(proposed);
      for (const by of people) {
        const [event] = says(plan, events, { by });
        if (event?.kind === "approved") events = journal(...events, event);
      }
      return decide(plan, fold(plan, events), new Date(5000), () => undefined).checkClaims;
    };
    expect([isEnough("ana"), isEnough("ben"), isEnough("ana", "ben")]).toEqual([ana, ben, both]);
  });

  const asked = (plan: Plan, gate: string) => {
    const started = journal(proposed, { kind: "started" });
    const before = plan.nodes.slice(
      0,
      plan.nodes.findIndex(({ id }) => id === gate),
    );
    const events = journal(
      ...started,
      ...before.map((node): EventBody => ({ kind: "done", step: node.id, result: null })),
    );
    const decision = decide(plan, fold(plan, events), new Date(5000), ({ id }) =>
      id === gate ? "really?" : undefined,
    );
    return { events, write: decision.write.find((event) => "step" in event && event.step === gate) };
  };

  it("loss: its question is answered beforehand and told to everyone; the question of two writers is asked", () => {
    const plan = planOf(broken("loss"));
    const { events, write } = asked(plan, "checkout/accept-loss");
    expect(write).toEqual({
      kind: "done",
      step: "checkout/accept-loss",
      result: { answer: "yes", by: ["ana"], beforehand: true },
      found: "really?",
    });
    const told = tell({ id: "fo-1", plan }, fold(plan, events), write!, new Date(6000));
    expect(told.line).toBe("Not asked, because ana answered it beforehand by breaking glass: really?");
    expect(told.mail?.people).toEqual(["ana", "ben", "cleo"]);
    expect(asked(plan, "checkout/accept-split-brain").write).toMatchObject({ kind: "asked", needed: 2 });
    expect(asked(planOf(wish), "checkout/accept-loss").write).toMatchObject({ kind: "asked", needed: 2 });
  });

  it("two-people: one answers a question and waives a step, and it is not the one who asked", () => {
    const plan = planOf(broken("two-people"));
    const { events, write } = asked(plan, "checkout/accept-loss");
    expect(write).toMatchObject({ kind: "asked", needed: 1 });
    const open = journal(...events, write!);
    expect(kindOf(says(plan, open, { step: "checkout/accept-loss", by: "ana" }))).toBe("refused");
    expect(kindOf(says(plan, open, { step: "checkout/accept-loss", by: "ben" }))).toBe("answered");
    const parked = journal(...events, { kind: "parked", step: "checkout/point-config", because: "x" });
    const waive = { verb: "waive", step: "checkout/point-config" } as const;
    expect(kindOf(says(plan, parked, { ...waive, by: "ana" }))).toBe("refused");
    expect(kindOf(says(plan, parked, { ...waive, by: "ben" }))).toBe("waived");
    expect(kindOf(says(planOf(wish), parked, { ...waive, by: "ben" }))).toBe("waive-seconded");
  });

  it("is not carried over when the plan is looked at again", () => {
    expect(failover.again?.(broken(...breakableRules))).toEqual(wish);
  });

  it("is said in one sentence", () => {
    expect(spellBroken({ by: "ana", rules: ["two-people"], reason: "x." })).toBe(
      "BREAK GLASS: ana breaks the rule two-people (one approver is enough). Reason: x",
    );
  });
});

describe("the cool-down", () => {
  const cases: [string, number, number, boolean][] = [
    ["holds a minute after the last move", 60, 30, true],
    ["holds just before its end", 30 * 60 - 1, 30, true],
    ["is over at its end", 30 * 60, 30, false],
    ["is never where the estate says 0 minutes", 0, 0, false],
  ];
  it.each(cases)("%s", (_name, secondsAgo, minutes, wanted) => {
    expect(recentMove(moved(secondsAgo), minutes) !== undefined).toBe(wanted);
  });

  it("blocks a move by the name of the last, and only its own name breaks it", () => {
    const [blocker] = planOf(wish, moved(120)).blockers;
    expect(blocker).toBe(
      "run fo-last moved checkout 2 minutes ago (move checkout to us-east-1), and between two moves there are 30 minutes; wait and look again, or break the rule cool-down by its name",
    );
    expect(planOf(broken("loss", "requester", "two-people"), moved(120)).blockers).toEqual([blocker]);
    const plan = planOf(broken("cool-down"), moved(120));
    expect(plan.blockers).toEqual([]);
    expect(plan.warnings[1]).toMatch(/^Run fo-last moved checkout 2 minutes ago/);
    expect(plan.needed).toBe(2);
  });

  it("knows nothing of a service that was never moved", () => {
    expect(planOf(wish, { ...eastDead, lastMove: saw({ last: null }) }).blockers).toEqual([]);
    expect(planOf(wish, eastDead).blockers).toEqual([]);
  });
});
