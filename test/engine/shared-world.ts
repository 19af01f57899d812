import { sql } from "kysely";
import { call } from "../../src/call.ts";
import type { Db } from "../../src/db/connect.ts";
import { gate, step, type AnyGate, type AnyStep } from "../../src/engine/step.ts";
import type { PlanNode } from "../../src/engine/plan.ts";

/** A world that several processes change: rows of a table, guarded like a target that compares before it sets. */
export async function makeSharedWorld(db: Db): Promise<void> {
  await sql`create table muster.world (key text primary key, changes integer not null default 0)`.execute(db);
}

export const sharedSteps: ReadonlyMap<string, AnyStep | AnyGate> = new Map<string, AnyStep | AnyGate>(
  [
    step<{ key: string }, number>({
      name: "change",
      title: ({ key }) => `change ${key}`,
      observe: (ctx, { key }) =>
        call(ctx, "world.Get", async () => {
          const { rows } = await sql<{ changes: number }>`select changes from muster.world where key = ${key}`.execute(
            ctx.db,
          );
          return rows[0]?.changes ?? 0;
        }),
      missing: (changes) => (changes > 0 ? undefined : "it is not changed yet"),
      apply: (ctx, { key }) =>
        call(ctx, "world.Set", async () => {
          await sql`insert into muster.world (key, changes) values (${key}, 1) on conflict do nothing`.execute(ctx.db);
        }),
      undo: { nothing: "it is a world for tests" },
      patienceSeconds: 1e6,
      settleSeconds: 0,
      pollSeconds: 0.1,
    }),
    step<{ key: string }, number>({
      name: "await-change",
      title: ({ key }) => `wait until somebody changes ${key}`,
      observe: async (ctx, { key }) => {
        const { rows } = await sql<{ changes: number }>`select changes from muster.world where key = ${key}`.execute(
          ctx.db,
        );
        return rows[0]?.changes ?? 0;
      },
      missing: (changes) => (changes > 0 ? undefined : "nobody changed it yet"),
      undo: { nothing: "it only waits" },
      patienceSeconds: 1e6,
      settleSeconds: 0,
      pollSeconds: 0.2,
    }),
    gate<{ question: string }>({
      name: "ask",
      title: ({ question }) => question,
      question: ({ question }) => question,
      needed: 2,
    }),
  ].map((one) => [one.name, one as unknown as AnyStep | AnyGate]),
);

const node = (id: string, name: string, input: PlanNode["input"], after: string[] = []): PlanNode => ({
  id,
  service: "test",
  step: name,
  kind: name === "ask" ? "gate" : "step",
  title: id,
  input,
  after,
  reads: [],
  changes: name === "change",
  ...(name === "ask" ? { needed: 2 as const } : {}),
});

/** As many changes one after another: a run that writes its journal all the time. */
export const chain = (key: string, length: number): PlanNode[] =>
  Array.from({ length }, (_, index) =>
    node(`test/${index}`, "change", { key: `${key}-${index}` }, index === 0 ? [] : [`test/${index - 1}`]),
  );

/** A question that nobody answers: its one reminder of all that were missed is a timer. */
export const timer = (): PlanNode[] => [node("test/ask", "ask", { question: "Is anybody there?" })];

/** A step that holds its run until somebody changes a key. */
export const holder = (key: string): PlanNode[] => [node("test/hold", "await-change", { key })];
