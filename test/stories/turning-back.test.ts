import { describe, expect, it, jest } from "@jest/globals";
import { east, endpointOf, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { pauseReplay } from "../../src/lab/postgres-pair.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);
const noWayBack =
  'there is no way back after "make checkout-db-west in us-west-2 the writer of checkout": ' +
  "a promoted replica cannot follow its old writer again; a new one has to be built";

/** Starts a planned move whose replica does not catch up: everything but the one-way step is done, and the run waits. */
async function startUpToTheFence(lab: Lab): Promise<string> {
  await lab.asks();
  await pauseReplay(lab.pair.replica.server, true);
  await lab.presses("ben", "Approve");
  await lab.presses("cleo", "Approve");
  await lab.untilTold("Done: stop all writes of checkout");
  await lab.untilTold("Done: run 3 pods of checkout in us-west-2");
  return lab.newestRun();
}

describe("before the point of no return", () => {
  it("Undo brings back what was first seen, last change first", async () => {
    await using lab = await openLab({ patient: true });
    const before = await lab.asItIs();
    const runId = await startUpToTheFence(lab);
    expect(await lab.asItIs()).toEqual({
      ...before,
      DB_HOST: endpointOf(west),
      pods: { east: 0, west: 3 },
      appMayLogIn: false,
      writers: [],
    });
    expect(await lab.says("ben", `/muster runs undo ${runId}`)).toMatch(/^Noted: ben says "undo"/);
    expect(await lab.untilRests()).toBe("cancelled");
    expect(await lab.asItIs()).toEqual(before);
    const thread = await lab.thread();
    expect(thread.at(-1)).toMatch(/^Cancelled: ben turned it back; what had been changed was undone\./);
    expect(thread.findIndex((line) => line.startsWith("Taken back: stop all writes"))).toBeLessThan(
      thread.findIndex((line) => line.startsWith("Taken back: stop all pods of checkout in us-east-1")),
    );
    const { text } = await lab.card();
    expect(text).toMatch(/^Cancelled: move checkout to us-west-2/);
    expect(text).not.toContain("is fenced");
  });

  it("Cancel is for approvers, ends the run, and takes back what it had changed", async () => {
    await using lab = await openLab({ patient: true });
    const before = await lab.asItIs();
    await startUpToTheFence(lab);
    expect(await lab.presses("dora", "Cancel")).toMatch(
      /^"cancel" was refused: dora is not among those who decide here: ana, ben, cleo\.\nNothing was changed\./,
    );
    expect((await lab.asItIs()).writers).toEqual([]);
    await lab.presses("ana", "Cancel");
    expect(await lab.untilRests()).toBe("cancelled");
    expect(await lab.asItIs()).toEqual(before);
    expect((await lab.card()).buttons).toEqual([]);
    // Nothing holds the service any more.
    expect(await lab.says("dora", "/failover us-west-2 checkout")).toMatch(/Nothing has been changed yet/);
  });

  it("an undo that cannot be made parks, and goes on where it stopped", async () => {
    await using lab = await openLab({ patient: true });
    const cluster = lab.clusters[east];
    const before = await lab.asItIs();
    const runId = await startUpToTheFence(lab);
    if (cluster) cluster.knobs.down = "refuses";
    await lab.says("ben", `/muster runs undo ${runId}`);
    expect(await lab.untilRests()).toMatch(/^parked: .*cluster east/);
    // The fence was taken back before: the application could write again, where it runs.
    expect((await lab.asItIs()).writers).toEqual([east]);
    expect((await lab.card()).buttons).toContain("Continue");
    if (cluster) cluster.knobs.down = false;
    await lab.presses("cleo", "Continue");
    expect(await lab.untilRests()).toBe("cancelled");
    expect(await lab.asItIs()).toEqual(before);
  });

  it("Hold stops before the next change, and Resume goes on", async () => {
    await using lab = await openLab({ patient: true });
    await startUpToTheFence(lab);
    await lab.presses("cleo", "Hold");
    const changes = lab.changes();
    await pauseReplay(lab.pair.replica.server, false);
    await lab.untilTold("Done: wait until checkout-db-west has everything");
    await lab.time.pass(120);
    expect(lab.changes()).toEqual(changes);
    expect((await lab.asItIs()).writers).toEqual([]);
    const { text, buttons } = await lab.card();
    expect(text).toContain("cleo holds the run; nothing new is changed.");
    expect(buttons).toEqual(["Resume", "Cancel"]);
    expect(await lab.presses("dora", "Resume")).toMatch(/^"resume" was refused: dora is not among those/);
    await lab.presses("ben", "Resume");
    expect(await lab.untilRests()).toBe("done");
    expect((await lab.asItIs()).writers).toEqual([west]);
    expect(await lab.thread()).toEqual(
      expect.arrayContaining([
        "cleo holds the run. Nothing new is changed until somebody presses Resume.",
        "ben lets the run go on.",
      ]),
    );
  });
});

describe("after the point of no return", () => {
  it("neither Undo nor Cancel is taken, in three sentences; Abandon ends the run as failed", async () => {
    await using lab = await openLab({ patient: true });
    lab.rds.stuckIn("modifying");
    await lab.asks();
    await lab.presses("ben", "Approve");
    await lab.presses("cleo", "Approve");
    await lab.untilTold(
      'Waiting to make checkout-db-west in us-west-2 the writer of checkout: checkout-db-west is "mod',
    );
    const runId = await lab.newestRun();
    const before = await lab.asItIs();
    for (const verb of ["undo", "cancel"]) {
      expect(await lab.says("ben", `/muster runs ${verb} ${runId}`)).toBe(
        [
          `"${verb}" was refused: ${noWayBack}.`,
          "Nothing was changed.",
          `Look at the run: /muster runs show ${runId}.`,
        ].join("\n"),
      );
    }
    expect((await lab.card()).buttons).toEqual(["Hold"]);
    await lab.time.pass(30);
    expect(await lab.asItIs()).toEqual(before);
    expect(await lab.stateOf(runId)).toBe("running");

    expect(await lab.says("dora", `/muster runs abandon ${runId}`)).toMatch(/^"abandon" was refused: dora is not/);
    await lab.says("ben", `/muster runs abandon ${runId}`);
    expect(await lab.untilRests()).toBe("failed");
    const changes = lab.changes();
    lab.rds.unstick();
    await lab.time.pass(15 * 60);
    expect(lab.changes()).toEqual([...changes, "rds: rds:us-west-2/checkout-db-west promoted"]);
    expect((await lab.thread()).at(-1)).toMatch(
      /^Failed: ben abandoned it\. What was changed stays as it is; look at the report for what is still open\./,
    );
    // The service is free for whoever goes on from here.
    expect(await lab.says("dora", "/failover us-west-2 checkout")).toMatch(/Nothing has been changed yet/);
  });
});
