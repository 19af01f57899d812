import { describe, expect, it, jest } from "@jest/globals";
import { east, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

/** Stops whichever server has the run in its hands, as a deploy does with SIGTERM. */
async function stopsItsDriver(lab: Lab, runId: string): Promise<string> {
  const owner = async () => {
    const [row] = await lab.query<{ owner: string | null }>("select owner from muster.run where id = $1", [runId]);
    return row?.owner ?? undefined;
  };
  let name: string | undefined;
  await lab.time.until("somebody drives it", async () => (name = await owner()) !== undefined, 60);
  await lab.musters.find(({ ctx }) => ctx.worker === name)?.stop();
  return name ?? "";
}

async function allStop(lab: Lab): Promise<void> {
  for (const muster of Array.from(lab.musters)) await muster.stop();
}

/** Half an hour in which nothing of Muster runs. */
async function halfAnHourWithoutMuster(lab: Lab): Promise<void> {
  await allStop(lab);
  lab.time.strideSeconds = 600;
  await lab.time.pass(1800);
  lab.time.strideSeconds = 10;
  await lab.startMuster();
}

describe("a deploy in the middle of a run", () => {
  it("is a short pause: the next server goes on, and nobody speaks of a worker that stopped answering", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    await lab.startMuster();
    const runId = await lab.starts();
    await lab.untilTold("Starting to make checkout-db-west");
    const first = await stopsItsDriver(lab, runId);
    await lab.startMuster();
    // A change of many calls, which takes until the old pods have ended: it leaves off between two of them.
    await lab.untilTold("Starting to restart the pods");
    const second = await stopsItsDriver(lab, runId);
    await lab.startMuster();
    await lab.untilTold("Starting to send all traffic");
    const third = await stopsItsDriver(lab, runId);
    expect(new Set([first, second, third]).size).toBe(3);
    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
    expect(lab.log.of("rds", "PromoteReadReplica")).toHaveLength(1);
    // Unless the old pods had ended by then, the next server goes on with the restart, which is told as another try.
    const told = (await lab.timeline()).filter((line) => !line.startsWith("Trying again to restart the pods"));
    expect(told.filter((line) => /another worker|Trying again|failed/.test(line))).toEqual([]);
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
  });
});

describe("half an hour in which nothing of Muster runs", () => {
  it("extends no approval: the plan has expired when it is back", async () => {
    await using lab = await openLab({ patient: true });
    await lab.says("ana", "/failover us-west-2 checkout");
    const runId = await lab.newestRun();
    await lab.presses("ben", "Approve");
    await halfAnHourWithoutMuster(lab);
    await lab.time.until("it is over", async () => (await lab.stateOf(runId)) === "cancelled", 60);
    await lab.time.until(
      "its card says so",
      async () => (await lab.card()).text.includes("Only 1 of 2 approvals came within 15 minutes"),
      60,
    );
    expect((await lab.card()).buttons).toEqual(["Look again"]);
    expect(lab.changes()).toEqual([]);
    expect(await lab.dig()).toEqual([lab.edges[east]?.address]);
  });

  it("in the middle of a promotion: what became true meanwhile is seen, and the run goes on", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    await lab.starts();
    await lab.untilTold("Starting to make checkout-db-west");
    await halfAnHourWithoutMuster(lab);
    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
    expect(lab.log.of("rds", "PromoteReadReplica")).toHaveLength(1);
  });

  it("while customers are watched: time in which nobody looked is not taken for green", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    await lab.starts();
    await lab.untilTold("Waiting to watch checkout");
    const left = lab.time.clock.now();
    await halfAnHourWithoutMuster(lab);
    expect(await lab.untilRests()).toBe("done");
    const [row] = await lab.query<{ since: Date }>(
      "select (payload #>> '{result,greenSince}')::timestamptz as since from muster.step_event where step like '%/watch-stability' and kind = 'done'",
    );
    expect(row?.since.getTime()).toBeGreaterThan(left.getTime() + 1800_000);
  });
});
