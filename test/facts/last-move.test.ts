import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Context } from "../../src/context.ts";
import { seen } from "../../src/facts/fact.ts";
import { lookAtLastMove } from "../../src/facts/last-move.ts";
import { engineContext, openEngineLab, planOf, propose, type EngineLab } from "../engine/engine-lab.ts";

/** Minutes after midnight at which something stands in a journal. */
type Entry = [kind: string, step: string, minute: number];

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));

const moved = (service: string, minute: number): Entry[] => [
  ["intent", `${service}/shift-dns`, minute],
  ["done", `${service}/verify-public`, minute + 1],
  ["done", `${service}/watch-stability`, minute + 5],
];

describe("the last move of a service", () => {
  let lab: EngineLab;
  let ctx: Context;
  beforeAll(async () => {
    lab = await openEngineLab();
    ctx = engineContext({ db: lab.db, clock: lab.clock, worker: "one" });
  });
  afterAll(() => lab.close());

  const record = async (
    job: string,
    outcome: "done" | "failed" | "cancelled" | undefined,
    ended: number,
    entries: Entry[],
  ) => {
    const run = await propose(lab.db, planOf([], { job }));
    const values = entries.map(([kind, step, minute]) => ({
      run,
      step,
      kind,
      epoch: 1,
      payload: "{}",
      at: at(minute),
    }));
    await lab.db.insertInto("step_event").values(values).execute();
    if (outcome === undefined) return run;
    await lab.db
      .updateTable("run")
      .set({ outcome, ended_at: at(ended) })
      .where("id", "=", run)
      .execute();
    return run;
  };
  const last = async (service: string) => seen(await lookAtLastMove(ctx, service))?.last;

  it("is told of a run of its own, and only of one that was done", async () => {
    const done = await record("failover", "done", 10, moved("own", 1));
    await record("failover", "failed", 20, moved("own", 11));
    expect(await last("own")).toMatchObject({ run: done, at: at(10).toISOString() });
    expect(await last("never")).toBeNull();
  });

  it("is told of a run that moved every service", async () => {
    const run = await record("failover-region", "done", 40, [...moved("first", 1), ...moved("second", 20)]);
    // Not when the whole region was through: this service was, long before.
    expect(await last("first")).toMatchObject({ run, at: at(6).toISOString() });
    expect(await last("second")).toMatchObject({ run, at: at(25).toISOString() });
    const back = await record("failover", "done", 60, moved("first", 50));
    expect(await last("first")).toMatchObject({ run: back });
  });

  it.each([
    ["failed for another service", "failed", moved("part", 1), true],
    [
      "was waived by people where its customers are looked for",
      "failed",
      [...moved("part", 1).slice(0, 1), ["waived", "part/verify-public", 3]],
      true,
    ],
    [
      "failed for this one, whose customers were never seen there",
      "failed",
      [...moved("part", 1).slice(0, 1), ["parked", "part/verify-public", 9]],
      false,
    ],
    ["took it back", "cancelled", [...moved("part", 1), ["undone", "part/shift-dns", 9]], false],
    ["found everything as it should be, and changed nothing", "done", moved("part", 1).slice(1), false],
    ["is still under way", undefined, moved("part", 1), false],
  ] as [string, "done" | "failed" | "cancelled" | undefined, Entry[], boolean][])(
    "is told of each service by itself: a run of the region that %s",
    async (what, outcome, entries, counts) => {
      const service = `part-${what.replaceAll(/\W/g, "-")}`;
      const own = entries.map(([kind, step, minute]): Entry => [kind, step.replace("part", service), minute]);
      const run = await record("failover-region", outcome, 30, [...own, ["parked", "other/promote-replica", 9]]);
      expect((await last(service))?.run).toBe(counts ? run : undefined);
    },
  );
});
