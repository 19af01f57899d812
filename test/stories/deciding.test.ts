import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { east, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

// One run, told in the order of its life: each claim begins where the one before it ended.
describe("a run that cannot go on by itself", () => {
  let lab: Lab;
  let runId: string;
  const refused = (verb: string, because: string) =>
    `"${verb}" was refused: ${because}.\nNothing was changed.\nLook at the run: /muster runs show ${runId}.`;

  beforeAll(async () => {
    lab = await openLab({ patient: true });
    await lab.says("ana", "/failover us-west-2 checkout");
    runId = await lab.newestRun();
    await lab.presses("ben", "Approve");
    // Rights that Muster had when it looked, and no more.
    const scale = lab.clusters[east]?.rules.find(({ resource }) => resource === "deployments/scale");
    scale?.verbs.splice(0, scale.verbs.length, "get");
    lab.rds.denied.add("PromoteReadReplica");
    await lab.presses("cleo", "Approve");
    await lab.untilRests();
    // A card is drawn every three seconds at most, and a thread takes a message a second.
    const isTold = async () => (await lab.thread(runId)).some((text) => text.startsWith("Parked: "));
    await lab.time.until("the thread says so", isTold, 120);
    await lab.time.pass(10);
  });
  afterAll(() => lab.close());

  it("parks, and says what happened, what it means and what can be done, in the thread, on the card and by mail", async () => {
    const [told = ""] = (await lab.thread(runId)).filter((line) => line.startsWith("Parked: "));
    expect(told).toMatch(
      /^Parked: .*(forbidden|may not|not let).*\nMuster could not stop all pods of checkout in us-east-1, and does nothing more there by itself\.\n/i,
    );
    const { text, buttons } = await lab.card(runId);
    expect(text).toMatch(/^Parked: move checkout to us-west-2\n/);
    expect(buttons).toEqual(["Continue", "Waive", "Hold", "Undo"]);
    for (const person of ["ana", "ben", "cleo"])
      expect(lab.mail.mailbox(`${person}@example.com`).at(-1)?.subject).toMatch(/move checkout to us-west-2: Parked: /);
    const changes = lab.changes();
    await lab.time.skip(3600);
    expect(lab.changes()).toEqual(changes);
  });

  it("parks again when somebody presses Continue and nothing is better", async () => {
    expect(await lab.presses("dora", "Continue")).toContain("dora is not among those who decide here");
    await lab.presses("ben", "Continue");
    expect(await lab.untilRests()).toMatch(/^parked: /);
    expect(await lab.thread(runId)).toContain(
      "ben pressed Continue: trying again to stop all pods of checkout in us-east-1.",
    );
  });

  it("goes on without a step when two waive it who did not ask for the run", async () => {
    expect(await lab.presses("ana", "Waive")).toBe(
      refused("waive", "you asked for this run, so two others must waive"),
    );
    await lab.presses("ben", "Waive");
    expect(await lab.presses("ben", "Waive")).toBe(refused("waive", "you have waived it already"));
    expect(await lab.untilRests()).toMatch(/^parked: /);
    expect((await lab.asItIs()).writers).toEqual([east]);
    await lab.presses("cleo", "Waive");
    await lab.untilTold('ben and cleo waived "stop all pods of checkout in us-east-1". The run goes on without it.');
    await lab.untilTold("Done: stop all writes of checkout at checkout-db");
    expect((await lab.asItIs()).writers).toEqual([]);
  });

  it("parks at what AWS does not let it do, and goes on once that was put right", async () => {
    expect(await lab.untilRests()).toMatch(/^parked: .*AWS .*promote.*checkout-db-west/i);
    expect((await lab.card(runId)).buttons).toEqual(["Continue", "Waive", "Hold", "Undo"]);
    lab.rds.denied.clear();
    await lab.presses("cleo", "Continue");
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.asItIs()).toMatchObject({ writers: [west], pods: { east: 3, west: 3 } });
    expect((await lab.card(runId)).text).toContain("15 of 15 steps done");
  });
});
