import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { sql } from "kysely";
import { openDriver } from "../../src/engine/drive.ts";
import type { PlanNode } from "../../src/engine/plan.ts";
import { step, type AnyStep } from "../../src/engine/step.ts";
import { startWave } from "../../src/steps/start-wave.ts";
import { engineContext, eventsOf, openEngineLab, planOf, propose, until, type EngineLab } from "./engine-lab.ts";

jest.setTimeout(180_000);

const services = Array.from({ length: 1000 }, (_, index) => `service-${index}`);
const waves = [0, 1, 2, 3].map((wave) => services.slice(wave * 250, (wave + 1) * 250));

/** What has been changed, by "<step> <service>". */
const world = new Map<string, number>();

const work = (name: string, changes: boolean) =>
  step<{ service: string }, { is: number }>({
    name,
    title: ({ service }) => `${name} ${service}`,
    observe: (_ctx, { service }) => Promise.resolve({ is: changes ? (world.get(`${name} ${service}`) ?? 0) : 1 }),
    missing: ({ is }) => (is > 0 ? undefined : "it is not so yet"),
    ...(changes
      ? {
          apply: (_ctx, { service }) => {
            const key = `${name} ${service}`;
            world.set(key, (world.get(key) ?? 0) + 1);
            return Promise.resolve();
          },
        }
      : {}),
    undo: { nothing: "it is a world for tests" },
    patienceSeconds: 1e6,
    settleSeconds: 0,
    pollSeconds: 1,
  });

/** As a service without data is moved. */
const steps = [work("scale", true), work("verify-service", false), work("shift", true), work("verify-public", false)];

const nodesOf = (service: string, first: string[]): PlanNode[] =>
  steps.map((one, index) => ({
    id: `${service}/${one.name}`,
    service,
    step: one.name,
    kind: "step",
    title: one.title({ service }),
    input: { service },
    after: index === 0 ? first : [`${service}/${steps[index - 1]?.name}`],
    reads: [],
    changes: one.apply !== undefined,
  }));

const plan = planOf(
  waves.flatMap((wave, index) => {
    const start: PlanNode = {
      id: `wave-${index + 1}/start-wave`,
      service: `wave-${index + 1}`,
      step: "start-wave",
      kind: "step",
      title: `start wave ${index + 1}`,
      input: { wave: index + 1, before: waves[index - 1] ?? [] },
      after: [],
      reads: [],
      changes: false,
    };
    const rest = wave.flatMap((service) => nodesOf(service, index > 0 ? [start.id] : []));
    return index > 0 ? [start, ...rest] : rest;
  }),
  { needed: 0, locks: services },
);

describe("a run over a thousand services", () => {
  let lab: EngineLab;
  beforeAll(async () => {
    lab = await openEngineLab();
  });
  afterAll(() => lab.close());

  it("is driven through four waves by one worker, in statements that many steps share", async () => {
    let statements = 0;
    const runId = await propose(lab.db, plan);
    const ctx = engineContext({
      db: lab.db,
      clock: lab.clock,
      worker: "one",
      leaseMs: 30_000,
      callTimeoutMs: 20_000,
      point: (name) => {
        if (name.startsWith("before db.journal")) statements += 1;
        return Promise.resolve();
      },
      steps: new Map([...steps, startWave].map((one) => [one.name, one as unknown as AnyStep])),
    });
    const driver = openDriver(ctx);
    await driver.drive(runId);
    const isOver = async () => {
      const { rows } = await sql<{ over: boolean }>`
        select ended_at is not null as over from muster.run where id = ${runId}`.execute(lab.db);
      return rows[0]?.over;
    };
    await until("the run has ended", isOver, 120_000);
    await driver.stop();
    const events = await eventsOf(lab.db, runId);
    expect(events.at(-1)).toMatchObject({ kind: "ended", outcome: "done" });
    expect(events.filter(({ kind }) => kind === "done")).toHaveLength(4003);
    // One a step and change: nothing twice.
    expect([...world.values()].filter((times) => times === 1)).toHaveLength(2000);
    expect(statements).toBeLessThan(events.length / 4);
  });
});
