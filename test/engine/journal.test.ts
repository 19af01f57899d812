import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { openJournal } from "../../src/engine/journal.ts";
import { leaseRun } from "../../src/engine/lease.ts";
import {
  approve,
  engineContext,
  eventsOf,
  openEngineLab,
  planOf,
  propose,
  quiet,
  say,
  type EngineLab,
} from "./engine-lab.ts";
import { World } from "./world.ts";

let lab: EngineLab;
beforeAll(async () => {
  lab = await openEngineLab();
});
afterAll(() => lab.close());

describe("a journal whose connection ends after the commit, before the answer", () => {
  it("lets nobody decide from what it knew before: an undo that stands is not overlooked", async () => {
    const world = new World(lab.clock);
    const ctx = engineContext({ db: lab.db, clock: lab.clock, worker: "w", log: quiet, steps: world.steps() });
    const runId = await propose(lab.db, planOf(world.chain()));
    await approve(ctx, runId);
    const lease = await leaseRun(ctx, runId);
    if (!lease) throw new Error("the run was not leased");
    const [step = ""] = planOf(world.chain()).nodes.map(({ id }) => id);
    let cut = "";
    const point = async (name: string) => {
      if (cut !== "" && name.startsWith(`after db.journal ${cut}`)) throw new Error("the connection ended");
    };
    const journal = await openJournal({ ...ctx, point }, lease);
    await journal.write(() => ({ events: [{ kind: "started" }], move: { to: "running" } }));

    await say(ctx, runId, { verb: "undo", by: "ben" });
    cut = "turned-back";
    const undo = journal.write(() => ({ events: [{ kind: "turned-back", by: "ben", signal: 3, verb: "undo" }] }));
    const change = journal.write((view) =>
      view.turnedBack ? undefined : { events: [{ kind: "intent", step, attempt: 1, before: {} }] },
    );
    const written = await Promise.allSettled([undo, change]);
    expect(written.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    const kinds = (await eventsOf(lab.db, runId)).map(({ kind }) => kind);
    expect(kinds).toEqual(["proposed", "started", "turned-back"]);

    cut = "";
    await expect(journal.write(() => ({ events: [{ kind: "first-look", step }] }))).rejects.toThrow(
      "the connection ended",
    );
    const anew = await openJournal(ctx, lease);
    expect(anew.view().turnedBack?.by).toBe("ben");
    lease.close();
  });
});
