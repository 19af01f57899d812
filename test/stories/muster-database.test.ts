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

  it("set back to an older copy holds every run before anything is changed, and goes on when people say so", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    const runId = await lab.starts();
    await lab.untilTold("Starting to run 3 pods");
    const putBack = await lab.musterDatabase.keepCopy();
    const backToCopy = () => {
      // The lab's clock is no part of what is lost.
      const shows = lab.time.clock.now().toISOString();
      const clock = `anchor_at = clock_timestamp(), shows = '${shows}', rate = ${lab.time.clock.rate}`;
      return putBack("muster", `update muster.clock set ${clock}`);
    };
    await lab.untilTold("Starting to send all traffic");
    await backToCopy();
    await lab.untilTold("Muster holds the run: Muster's database was set back to an older copy");
    const lines = await lab.timeline(runId);
    const told = lines.findIndex((line) => line.startsWith("Muster holds the run"));
    expect(lines.slice(0, told).filter((line) => line.startsWith("Starting to make"))).toEqual([]);
    const changes = lab.changes().length;
    await lab.time.pass(120);
    expect(lab.changes()).toHaveLength(changes);
    expect((await lab.thread(runId)).join("\n")).toContain(
      "Nothing is changed or taken back until somebody presses Resume.",
    );
    expect(lab.mail.mailbox("ben@example.com").map(({ subject }) => subject)).toContain(
      "[Muster] Muster's database was set back to an older copy",
    );
    const goesOn = async () => {
      await lab.presses("ben", "Resume");
      // What the catch-up found is forgotten, and the new writer cannot be asked what it once lacked.
      await lab.untilTold("Question: How much of checkout is lost is unknown");
      // The buttons that were posted before are forgotten, too.
      await lab.time.pass(30);
      for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    };
    await goesOn();
    await lab.untilTold("Nothing to do, it was so already: make checkout-db-west");
    await lab.time.pass(10);
    // This time nobody lives who has seen more; the new writer, which has had heartbeats since, remembers.
    await Promise.all([...lab.musters].map((muster) => muster.stop()));
    await backToCopy();
    await lab.startMuster();
    await lab.untilTold("Muster holds the run: Muster's database was set back to an older copy");
    expect((await lab.timeline(runId)).join("\n")).toMatch(/ lacks an entry of .* that the database checkout-db/);
    await goesOn();
    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
    expect(lab.log.of("rds", "PromoteReadReplica")).toHaveLength(1);
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
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
