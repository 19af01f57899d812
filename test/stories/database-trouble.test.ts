import { describe, expect, it, jest } from "@jest/globals";
import { east, instances, west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { ask } from "../../src/lab/postgres-pair.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

const promotions = (lab: Lab) => lab.changes().filter((change) => change.endsWith("promoted"));

/** Cuts the line to the replica, and waits until the writer has had heartbeats for so many seconds that the replica never hears of. */
async function fallsBehind(lab: Lab, seconds: number): Promise<void> {
  await lab.pair.setLink("refuses");
  const from = lab.time.clock.now().getTime();
  const newest = "select beat_at from muster.heartbeat where instance = $1";
  const beatsOn = async () => {
    const [beat] = await lab.query<{ beat_at: Date }>(newest, [`${east}/${instances[east]}`]);
    return beat !== undefined && beat.beat_at.getTime() > from + seconds * 1000;
  };
  await lab.time.until("the writer beats on", beatsOn, 3600);
}

describe("a replica that does not become available", () => {
  it("parks the run with its state, leaves traffic where it is, and is gone on with once it is available", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    lab.rds.stuckIn("modifying");
    await lab.starts();
    // Half an hour of patience.
    lab.time.strideSeconds = 60;
    expect(await lab.untilRests()).toBe(
      'parked: checkout-db-west is still "modifying", not available; that is still so after 30 minutes',
    );
    lab.time.strideSeconds = 10;
    expect((await lab.thread()).at(-1)?.split("\n").slice(0, 3)).toEqual([
      'Parked: checkout-db-west is still "modifying", not available; that is still so after 30 minutes.',
      "Muster could not make checkout-db-west in us-west-2 the writer of checkout, and does nothing more there by itself.",
      "Put it right and press Continue, or Waive (two approvers) to go on without it.",
    ]);
    expect(await lab.dig()).toEqual([lab.edges[east]?.address]);
    expect(lab.changes().filter((change) => change.startsWith("route53"))).toEqual([]);

    lab.rds.unstick();
    await lab.presses("ben", "Continue");
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
    expect(promotions(lab)).toHaveLength(1);
  });
});

describe("a replica that is backing up", () => {
  it("is said to be before anybody approves, and waited for", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    lab.rds.setStatus(instances[west], "backing-up", 400);
    await lab.asks();
    const { text, buttons } = await lab.card();
    expect(text).toContain('checkout-db-west is "backing-up"; the promotion waits until it is available.');
    expect(text).toMatch(/Replica\*.*checkout-db-west: backing-up, a replica of checkout-db, replicating/);
    expect(buttons).toContain("Approve");
    await lab.presses("ben", "Approve");
    await lab.presses("cleo", "Approve");
    expect(await lab.untilRests()).toBe("done");
    expect(await lab.timeline()).toContain(
      'Waiting to make checkout-db-west in us-west-2 the writer of checkout: checkout-db-west is "backing-up", and cannot be promoted before it is available.',
    );
    expect(lab.log.of("rds", "PromoteReadReplica")).toHaveLength(1);
    expect(promotions(lab)).toHaveLength(1);
  });

  it("when it begins in the middle of the run, is waited for too", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    await lab.starts();
    lab.rds.setStatus(instances[west], "backing-up", 300);
    expect(await lab.untilRests()).toBe("done");
    expect((await lab.timeline()).join("\n")).toContain('checkout-db-west is "backing-up", and cannot be promoted');
    expect(promotions(lab)).toHaveLength(1);
  });
});

describe("a loss over the objective", () => {
  it("is on the card, is asked about with its number before the promotion, and two answers let the run go on", async () => {
    await using lab = await openLab({ strideSeconds: 10, estate: { rpoSeconds: 30 } });
    await lab.time.pass(20);
    await fallsBehind(lab, 80);
    await lab.setRegionDead(east, true);
    await lab.time.pass(30);
    await lab.asks();
    const { text } = await lab.card();
    const shown = Number(/Up to (\d+) seconds of writes would be lost; the objective is 30\./.exec(text)?.[1]);
    expect(shown).toBeGreaterThan(30);
    await lab.presses("ben", "Approve");
    await lab.presses("cleo", "Approve");
    const question = await lab.untilRests();
    expect(question).toMatch(
      /^asks: \d+ s of checkout's writes would be lost, 30 s are allowed; the card said \d+ s\. Promote\?$/,
    );
    expect(question).toContain(`the card said ${shown} s`);
    expect(promotions(lab)).toEqual([]);
    // Silence is no answer.
    await lab.time.pass(11 * 60);
    expect(promotions(lab)).toEqual([]);
    expect((await lab.thread()).filter((line) => line.startsWith("Still waiting for an answer"))).toHaveLength(2);
    expect(await lab.presses("ana", "Approve")).toContain("you asked for this run, so two others must answer");
    await lab.presses("ben", "Approve");
    await lab.time.pass(30);
    expect(promotions(lab)).toEqual([]);
    await lab.presses("cleo", "Approve");
    expect(await lab.untilRests()).toBe("done");
    expect(promotions(lab)).toHaveLength(1);
  });
});

describe("an old writer that comes back, unfenced, while people are asked", () => {
  it("keeps its replica from being promoted, whatever they answer, and the way back is open", async () => {
    await using lab = await openLab({ strideSeconds: 10, estate: { rpoSeconds: 30 } });
    await lab.time.pass(20);
    await fallsBehind(lab, 80);
    await lab.setRegionDead(east, true);
    await lab.time.pass(30);
    await lab.starts();
    expect(await lab.untilRests()).toMatch(/^asks: \d+ s of checkout's writes would be lost/);

    await lab.setRegionDead(east, false);
    await lab.pair.setLink("open");
    const hears = "select count(*)::int as n from pg_stat_wal_receiver where status = 'streaming'";
    await lab.time.until(
      "the replica hears its writer",
      async () => (await ask<{ n: number }>(lab.pair.replica.server, hears))[0]?.n === 1,
      300,
    );
    for (const person of ["ben", "cleo"]) await lab.presses(person, "Approve");
    expect(await lab.untilRests()).toMatch(
      /^parked: .* now it is back: checkout-db-west receives from it again\. .* Nothing was promoted$/,
    );
    expect(promotions(lab)).toEqual([]);

    await lab.presses("ben", "Undo");
    expect(await lab.untilRests()).toBe("cancelled");
    const { writers, shares } = await lab.asItIs();
    expect({ writers, shares }).toEqual({ writers: [east], shares: { [east]: 100, [west]: 0 } });
  });
});
