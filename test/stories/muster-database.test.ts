import { describe, expect, it, jest } from "@jest/globals";
import { west } from "../../src/lab/estate.ts";
import { openLab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

describe("Muster's own database", () => {
  it("crashed and started again in the middle of a run costs a pause, and doubles nothing", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    const runId = await lab.starts();
    for (const moment of [
      "Starting to run 3 pods",
      "Starting to make checkout-db-west",
      "Starting to send all traffic",
    ]) {
      await lab.untilTold(moment);
      await lab.musterDatabase.restartImmediate();
    }
    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
    expect(lab.log.of("rds", "PromoteReadReplica")).toHaveLength(1);
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
    const lines = await lab.timeline(runId);
    expect(new Set(lines.filter((line) => line.startsWith("Done"))).size).toBe(
      lines.filter((line) => line.startsWith("Done")).length,
    );
    expect(lines.at(-1)).toBe("Done: move checkout to us-west-2.");
  });

  it("down for five minutes: whoever types or presses is told alone that nothing was recorded, and nothing was", async () => {
    await using lab = await openLab({ patient: true });
    await lab.says("ana", "/failover us-west-2 checkout");
    const runId = await lab.newestRun();
    await lab.presses("ben", "Approve");
    await lab.musterDatabase.stop("immediate");
    const typed = await lab.slack.types("U04", "#incident-response", "/failover us-west-2 checkout --ungraceful");
    expect(typed.acknowledged).toBe(true);
    expect(typed.answer.text).toMatch(/so nothing was recorded\. Nothing was changed\. Try again in a minute/);
    const before = lab.slack.ephemerals("U03").length;
    await lab.slack.presses("U03", "Approve");
    await lab.time.until("cleo is told", () => lab.slack.ephemerals("U03").length > before, 60);
    expect(lab.slack.ephemerals("U03").at(-1)?.text).toContain("nothing was recorded");
    lab.time.strideSeconds = 60;
    await lab.time.pass(5 * 60);
    lab.time.strideSeconds = 10;
    await lab.musterDatabase.start();
    await lab.time.pass(60);
    expect(await lab.runs()).toEqual([runId]);
    expect(await lab.stateOf(runId)).toBe("proposed");
    expect(lab.changes()).toEqual([]);
    await lab.presses("cleo", "Approve");
    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
  });
});
