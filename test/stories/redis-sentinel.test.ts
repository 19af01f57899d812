import { describe, expect, it, jest } from "@jest/globals";
import { west } from "../../src/lab/estate.ts";
import { openLab } from "../../src/lab/lab.ts";
import { openWatchedRedis } from "../../src/lab/redis-sentinel.ts";
import { newestRing, untilRedis, wasAnswered } from "../../src/lab/redis.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

describe("a Redis that sentinels watch", () => {
  it("is lost in the middle of a run: another takes its place, rings the same workers, and nothing is done twice", async () => {
    await using redis = await openWatchedRedis();
    await using lab = await openLab({ strideSeconds: 10, patient: true, settings: redis.settings });
    const doctor = async () => {
      const { text } = await lab.types("nobody", ["doctor"]);
      return text.split("\n").filter((line) => /redis|sentinel/i.test(line));
    };
    expect(await doctor()).toEqual([
      expect.stringMatching(/^ok +the queue \(Redis, by Sentinel\): Redis [\d.]+, by 3 sentinels$/),
    ]);

    const runId = await lab.starts();
    await lab.untilTold("Starting to make checkout-db-west");
    expect(await wasAnswered(redis, "0")).toBe(true);
    await redis.loseMaster();

    // The new master is rung by the server, and answered by the server: both have gone there by themselves.
    const before = await newestRing(redis);
    await untilRedis("the new master rings", async () => {
      await lab.ctx().ring(runId);
      return wasAnswered(redis, before);
    });

    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
    expect(lab.log.of("rds", "PromoteReadReplica")).toHaveLength(1);
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);

    await redis.loseSentinels(1);
    expect(await doctor()).toEqual([
      expect.stringMatching(/^warning +the queue \(Redis, by Sentinel\)$/),
      expect.stringMatching(/^ +1 of 3 sentinels cannot be asked: 127\.0\.0\.1:\d+ refuses connections\.$/),
      expect.stringMatching(/^ +The queue rings\. When its Redis is lost, no other may take its place: /),
      expect.stringMatching(/^ +Look at these servers, and at REDIS_SENTINELS\.$/),
    ]);
  });
});
