import { describe, expect, it, jest } from "@jest/globals";
import { engineVersion } from "../../src/engine/lease.ts";
import { west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { openRedis } from "../../src/lab/redis.ts";
import { Servers } from "../../src/lab/servers.ts";
import { isHeard } from "../../src/lab/slack-way.ts";
import { keepLeases, leasesOf } from "../sweep/stage.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

/** Lab seconds in a wall second: processes wait for the clock, nobody jumps it for them. */
const fast = 15;
const former = ["east-host:1", "west-host:1"];
const next = ["east-host:2", "west-host:2"];

/** Where it rests; a step whose patience a busy machine has outlasted is told to go on. */
async function restOf(lab: Lab, runId: string): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const rest = await lab.untilRests();
    if (!rest.startsWith("parked") || tries === 5) return rest;
    await lab.says("ben", `/muster runs continue ${runId}`);
  }
}

describe("servers of the next release take the place of two on two hosts, one after the other, in the middle of a run", () => {
  it("hand it over without a take-over; nobody goes back to the former, and everything is done and said once", async () => {
    await using redis = await openRedis();
    await using lab = await openLab({
      rate: fast,
      serve: false,
      patient: true,
      replicas: 2,
      random: () => 0,
      estate: { stabilitySeconds: 20 },
      settings: { REDIS_URL: redis.url },
    });
    lab.time.runsElsewhere = true;
    await keepLeases(lab);
    const servers = new Servers(lab.environment);
    try {
      await Promise.all(former.map((worker) => servers.start({ worker })));
      await isHeard(lab.slack);
      const runId = await lab.starts();
      await lab.untilTold("Starting to make checkout-db-west");
      // While servers come and go the run has time.
      await lab.time.set(lab.time.clock.now(), 1);
      for (const [index, worker] of next.entries()) {
        await servers.start({ worker, engineVersion: engineVersion + 1 });
        expect(await servers.end(former[index] ?? "")).toBe(0);
        // Whoever hears it answers, of whichever release, and nobody else does.
        expect(await lab.says("dora", `/muster runs show ${runId}`)).toMatch(new RegExp(`^Run ${runId}: `));
      }
      expect(await lab.stateOf(runId)).toBe("running");
      await lab.time.set(lab.time.clock.now(), fast);

      expect(await restOf(lab, runId)).toBe("done");
      expect(lab.doubled()).toEqual([]);
      expect(lab.log.of("rds", "PromoteReadReplica")).toHaveLength(1);
      expect(await lab.dig()).toEqual([lab.edges[west]?.address]);

      const leases = await leasesOf(lab);
      const owners = leases.map(({ owner }) => owner);
      const handedOn = owners.findIndex((owner) => next.includes(owner));
      expect(handedOn).toBeGreaterThan(0);
      // From then on it is the next release's; before, it was the former's.
      expect(owners.map((owner, index) => (index < handedOn ? former : next).includes(owner))).not.toContain(false);
      expect(leases.filter(({ before }) => before !== null)).toEqual([]);
      expect((await lab.timeline()).filter((line) => /another worker|left to/.test(line))).toEqual([]);

      const said = (await lab.thread()).filter((line) => line.startsWith("Done: "));
      expect(said.length).toBeGreaterThan(10);
      expect(new Set(said).size).toBe(said.length);
      const holders = await lab.query<{ duty: string; holder: string }>(
        "select duty, holder from muster.turn where duty <> 'ready' and until > clock_timestamp()",
      );
      expect(holders.length).toBeGreaterThan(0);
      expect(holders.filter(({ holder }) => !next.includes(holder))).toEqual([]);
    } finally {
      await servers.stop();
    }
  });
});
