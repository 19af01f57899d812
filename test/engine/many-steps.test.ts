import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { loadEvents, loadJournal, openJournal, type Journal } from "../../src/engine/journal.ts";
import { Draft, extended } from "../../src/engine/draft.ts";
import type { EventBody, JournalEvent } from "../../src/engine/events.ts";
import { leaseRun, LeaseLost } from "../../src/engine/lease.ts";
import type { Plan, PlanNode } from "../../src/engine/plan.ts";
import { confirmTurn } from "../../src/engine/turning-back.ts";
import { tell } from "../../src/engine/tell.ts";
import { fold } from "../../src/engine/fold.ts";
import { spellTurn } from "../../src/engine/turning-back.ts";
import type { StepView } from "../../src/engine/view.ts";
import { cardButtons } from "../../src/slack/card-buttons.ts";
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

  it("tells at every event who would go back as if nobody had asked before", () => {
    const oneWay = planOf(nodes.map((one) => (one.id === other ? { ...one, oneWay: "there is no way back" } : one)));
    const draft = new Draft(fold(oneWay, []));
    for (const [index, event] of events.entries()) {
      spellTurn(oneWay, draft.view);
      draft.add(event);
      expect(spellTurn(oneWay, draft.view)).toBe(spellTurn(oneWay, fold(oneWay, events.slice(0, index + 1))));
    }
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

  it("decides for some of them at a time where that takes long: between, leases are renewed", async () => {
    const { lease, statements, journal } = await open();
    const slow = (id: string) =>
      journal.write(() => {
        const until = performance.now() + 10;
        while (performance.now() < until);
        return { events: [{ kind: "first-look", step: id }] };
      });
    await Promise.all(nodes.map(({ id }) => slow(id)));
    expect(statements.length).toBeGreaterThan(10);
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

describe("many services that park in the same second", () => {
  const names = ["scale", "fence", "promote", "shift"];
  const nodesOf = (service: string): PlanNode[] =>
    names.map((name, index) => ({
      id: `${service}/${name}`,
      service,
      step: name,
      kind: "step",
      title: `${name} ${service}`,
      input: {},
      after: index === 0 ? [] : [`${service}/${names[index - 1]}`],
      reads: [],
      changes: true,
      ...(name === "promote" ? { oneWay: "there is no way back" } : {}),
    }));

  /** A run of so many services, and how often somebody asked a step of it which one it is. */
  const looksOf = (count: number) => {
    const all = Array.from({ length: count }, (_, index) => `service-${index}`);
    const many = planOf(all.flatMap(nodesOf), { locks: all });
    const draft = new Draft(fold(many, written([{ kind: "proposed", by: "ana", planHash: "x" }, { kind: "started" }])));
    let looks = 0;
    for (const [id, { node, ...rest }] of draft.view.steps) {
      const counted: StepView = {
        ...rest,
        get node() {
          looks += 1;
          return node;
        },
      };
      draft.view.steps.set(id, counted);
    }
    return { all, many, draft, looks: () => looks };
  };

  it("are told of by one look at the run, not by one each", () => {
    const parkAll = (count: number) => {
      const { all, many, draft, looks } = looksOf(count);
      for (const [index, service] of all.entries()) {
        const event: EventBody = { kind: "parked", step: `${service}/scale`, because: "it is not allowed" };
        const { milestone } = tell({ id: "r1", plan: many }, draft.view, event, new Date());
        expect(milestone?.buttons?.find(({ label }) => label === "Undo")?.confirm).toMatch(/^End this run\?/);
        expect(confirmTurn(many, draft.view)).toContain(`${count} of ${count}`);
        draft.add({ ...event, seq: index + 3, epoch: 1, at: new Date() });
      }
      return looks();
    };
    // Ten times the services: ten times the looks, and not a hundred or a thousand times as many.
    expect(parkAll(400) / parkAll(40)).toBeLessThan(15);
  });

  it("have their card drawn by a few looks at each step", () => {
    const { many, draft, looks } = looksOf(400);
    cardButtons({ id: "r1", plan: many, planHash: "x", requestedBy: "ana", approveUntil: new Date() }, draft.view);
    expect(looks()).toBeLessThan(many.nodes.length * 20);
  });
});
