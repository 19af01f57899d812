import { describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import { report } from "../../jobs/report/failover.ts";
import { hashPlan } from "../../src/engine/plan.ts";
import { fold } from "../../src/engine/fold.ts";
import { keepsData, type FailoverFacts } from "../../src/facts/failover.ts";
import { everyNext, names, readGolden } from "../golden/journals.ts";

// Written once for each version by test/golden/write-journals.ts. A journal of an older version is never written again:
// a run may be in the middle of it while Muster is replaced.
describe.each(names)("the journal of a run that was kept, %s", (name) => {
  const { plan, facts, events, next } = readGolden(name);

  it("leads to the same next action after each of its events", () => {
    expect(JSON.parse(JSON.stringify(everyNext(plan, events)))).toEqual(next);
  });

  it("holds nothing that was begun though it was not its turn", () => {
    for (const [index, event] of events.entries()) {
      if (index === 0 || !("step" in event)) continue;
      const before = next[index - 1];
      if (event.kind === "first-look" || event.kind === "intent") expect(before?.start).toContain(event.step);
      if (event.kind === "undo-intent" || event.kind === "undone") expect(before?.undo).toContain(event.step);
    }
  });

  it("is bound to its plan by the same hash", () => {
    expect(hashPlan(plan, facts)).toBe(fold(plan, events).planHash);
  });

  it("comes with facts that are still shown and reported as those of a service with a database", () => {
    const read = facts as unknown as FailoverFacts;
    expect(keepsData(read)).toBe(true);
    const labels = failover.preview(plan, read).rows.map(({ label }) => label);
    expect(labels).toEqual(expect.arrayContaining(["Replica", "Replica behind", "Writes lost"]));
    expect(report({ run: { id: "fo-1", plan }, events, probes: [], facts: read })).toMatchObject({ keepsData: true });
  });

  it("ends, and nothing follows after that", () => {
    expect(next.at(-1)).toMatchObject({ write: [], start: [], undo: [], checkClaims: false });
    expect(events.at(-1)?.kind).toBe("ended");
  });
});

describe("the kept journals together", () => {
  it("hold every kind of event that a failover, its going wrong and its undoing write", () => {
    const kinds = new Set(names.flatMap((name) => readGolden(name).events.map(({ kind }) => kind)));
    const before = ["proposed", "approved", "started", "taken-over"];
    const forward = ["first-look", "waiting", "intent", "applied", "call-failed", "done", "parked"];
    const back = ["waive-seconded", "waived", "turned-back", "undo-intent", "undo-applied", "undone", "ended"];
    expect([...kinds]).toEqual(expect.arrayContaining([...before, ...forward, ...back]));
  });
});
