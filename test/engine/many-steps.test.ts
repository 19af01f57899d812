import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { loadEvents, loadJournal, openJournal, type Journal } from "../../src/engine/journal.ts";
import { Draft, extended } from "../../src/engine/draft.ts";
import type { EventBody, JournalEvent } from "../../src/engine/events.ts";
import { leaseRun, LeaseLost } from "../../src/engine/lease.ts";
import type { Plan, PlanNode } from "../../src/engine/plan.ts";
import { tell } from "../../src/engine/tell.ts";
import { fold } from "../../src/engine/fold.ts";
import { engineContext, openEngineLab, planOf, propose, type EngineLab } from "./engine-lab.ts";

const services = Array.from({ length: 100 }, (_, index) => `service-${index}`);
const nodes = services.map((service): PlanNode => ({
  id: `${service}/fence`,
  service,
  step: "fence",
  kind: "step",
  title: `fence ${service}`,
  input: {},
  after: [],
  reads: [],
  changes: true,
}));
const plan: Plan = planOf(nodes);

const written = (bodies: EventBody[]): JournalEvent[] =>
  bodies.map((body, index) => ({ ...body, seq: index + 1, epoch: 1, at: new Date(index * 1000) }));

describe("a view that goes on", () => {
  const step = nodes[0]?.id ?? "";
  const other = nodes[1]?.id ?? "";
  const events = written([
    { kind: "proposed", by: "ana", planHash: "x" },
    { kind: "approved", by: "ben", signal: 1 },
    { kind: "started" },
    { kind: "first-look", step },
    { kind: "intent", step, attempt: 1, before: { open: true } },
    { kind: "taken-over", from: "worker-1" },
    { kind: "call-failed", step, attempt: 1, error: "no answer", noEffect: true },
    { kind: "parked", step, because: "it does not answer" },
    { kind: "waive-seconded", step, by: "ben", signal: 2 },
    { kind: "continued", step, by: "ben", signal: 3 },
    { kind: "intent", step, attempt: 2, before: { open: true } },
    { kind: "applied", step, attempt: 2 },
    { kind: "done", step: other, result: null },
    { kind: "held", by: "ben", signal: 4 },
    { kind: "turned-back", by: "ben", signal: 5, verb: "undo" },
    { kind: "undo-intent", step, attempt: 1 },
    { kind: "undo-applied", step, attempt: 1 },
    { kind: "undone", step },
    { kind: "ended", outcome: "cancelled" },
  ]);

  it("is what the whole journal, read anew, tells", () => {
    let view = fold(plan, []);
    for (const [index, event] of events.entries()) {
      view = extended(view, [event]);
      expect(view).toEqual(fold(plan, events.slice(0, index + 1)));
    }
    expect(extended(fold(plan, []), events)).toEqual(fold(plan, events));
  });

  it("leaves the one before as it was", () => {
    for (const [index, event] of events.entries()) {
      const before = fold(plan, events.slice(0, index));
      new Draft(before).add(event);
      expect(before).toEqual(fold(plan, events.slice(0, index)));
    }
  });
});

describe("a journal in which many steps write at once", () => {
  let lab: EngineLab;
  beforeAll(async () => {
    lab = await openEngineLab();
  });
  afterAll(() => lab.close());

  const open = async () => {
    const runId = await propose(lab.db, planOf(nodes, { locks: [] }));
    const statements: string[] = [];
    const point = (name: string) => {
      if (name.startsWith("before db.journal")) statements.push(name);
      return Promise.resolve();
    };
    const ctx = engineContext({ db: lab.db, clock: lab.clock, worker: "one", leaseMs: 10_000, point });
    const lease = await leaseRun(ctx, runId);
    if (!lease) throw new Error("the run was not leased");
    return { runId, lease, statements, journal: await openJournal(ctx, lease) };
  };
  const look = (journal: Journal, id: string) => journal.write(() => ({ events: [{ kind: "first-look", step: id }] }));

  it("lets them share statements, in the order of their coming, and loses nothing", async () => {
    const { runId, lease, statements, journal } = await open();
    const all = await Promise.all(nodes.map(({ id }) => look(journal, id)));
    expect(all).toEqual(nodes.map(() => true));
    // The first is on its way when the others come.
    expect(statements.length).toBeLessThan(5);
    const events = await loadEvents(lab.db, runId);
    expect(events.flatMap((event) => ("step" in event ? [event.step] : []))).toEqual(nodes.map(({ id }) => id));
    expect(journal.view()).toEqual(fold(plan, events));
    expect((await loadJournal(lab.db, runId))?.events).toEqual(events);
    expect(await loadEvents(lab.db, runId, events.at(-2)?.seq)).toEqual(events.slice(-1));
    lease.close();
  });

  it("gives a few a statement each", async () => {
    const { lease, statements, journal } = await open();
    await Promise.all(nodes.slice(0, 4).map(({ id }) => look(journal, id)));
    expect(statements).toEqual(nodes.slice(0, 4).map(({ id }) => `before db.journal first-look ${id}`));
    lease.close();
  });

  it("has each decide from what those before it write", async () => {
    const { lease, journal } = await open();
    const seen: number[] = [];
    await Promise.all(
      nodes.map(({ id }) =>
        journal.write((view) => {
          seen.push([...view.steps.values()].filter(({ firstLookAt }) => firstLookAt).length);
          return view.heldBy === undefined
            ? { events: [{ kind: "first-look", step: id }, ...(id === nodes[49]?.id ? [held] : [])] }
            : undefined;
        }),
      ),
    ).then((all) => expect(all.filter(Boolean)).toHaveLength(50));
    expect(seen).toEqual(nodes.map((_, index) => Math.min(index, 50)));
    lease.close();
  });
  const held: EventBody = { kind: "held", by: "ben", signal: 1 };

  it("fails one that cannot decide alone, and all when the run is another worker's", async () => {
    const { runId, lease, journal } = await open();
    const outcomes = await Promise.allSettled(
      nodes.map(({ id }, index) =>
        index === 50
          ? journal.write(() => {
              throw new Error("it cannot be told");
            })
          : look(journal, id),
      ),
    );
    expect(outcomes.flatMap(({ status }, index) => (status === "rejected" ? [index] : []))).toEqual([50]);
    await lab.db.updateTable("run").set({ epoch: 99 }).where("id", "=", runId).execute();
    const lost = await Promise.allSettled(nodes.map(({ id }) => look(journal, id)));
    expect(lost.every((one) => one.status === "rejected" && one.reason instanceof LeaseLost)).toBe(true);
    lease.close();
  });
});

describe("what people hear of a run over many services", () => {
  const view = fold(plan, written([{ kind: "proposed", by: "ana", planHash: "x" }, { kind: "started" }]));
  const done: EventBody = { kind: "done", step: "service-7/fence", result: null };
  const told = (event: EventBody, locks = services) =>
    tell({ id: "r1", plan: { ...plan, locks } }, view, event, new Date());

  it("has every step in its timeline, and in its thread only what they should read", () => {
    expect(told(done)).toEqual({ line: "Nothing to do, it was so already: fence service-7." });
    expect(told({ ...done, found: "One was left open." }).milestone?.lines).toHaveLength(1);
    expect(told({ kind: "parked", step: "service-7/fence", because: "no answer" }).milestone).toBeDefined();
    expect(told(done, services.slice(0, 40)).milestone).toBeDefined();
  });
});
