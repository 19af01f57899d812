import { describe, expect, it, jest } from "@jest/globals";
import { west } from "../../src/lab/estate.ts";
import { openLab, type Lab } from "../../src/lab/lab.ts";
import { newestRing, openRedis, untilRedis, wasAnswered, type Redis } from "../../src/lab/redis.ts";
import { openQueue } from "../../src/queue.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

/** How many rings wait for somebody to answer them. */
const waiting = async (redis: Redis) => Number(/^:(\d+)/.exec(await redis.tell("LLEN bull:muster-wake:wait"))?.[1]);

/** What the doctor says of the queue. */
async function queueOf(lab: Lab): Promise<string[]> {
  const lines = (await lab.types("nobody", ["doctor"])).text.split("\n");
  const at = lines.findIndex((line) => line.includes("the queue (Redis)"));
  return lines.slice(at, at + 4);
}

describe("a Redis that is lost in the middle of a run", () => {
  it("hangs, and later comes back empty: the run went on without it, and is rung again from then on", async () => {
    await using redis = await openRedis();
    await using lab = await openLab({ strideSeconds: 10, patient: true, settings: { REDIS_URL: redis.url } });
    const rings = async (after = "0") =>
      untilRedis("it rings again", async () => {
        await lab.ctx().ring(runId);
        return wasAnswered(redis, after);
      });
    const runId = await lab.starts();
    await lab.untilTold("Started");

    redis.freeze();
    // A person is heard, too, while nothing rings.
    await lab.says("ben", `/muster runs hold ${runId}`);
    await lab.untilTold("ben holds");
    await lab.says("ben", `/muster runs resume ${runId}`);
    await lab.untilTold("Starting to make checkout-db-west");
    expect(await queueOf(lab)).toEqual([
      expect.stringMatching(/^warning +the queue \(Redis\)$/),
      expect.stringMatching(/^ +The queue does not answer\.$/),
      expect.stringMatching(/^ +Runs go on about a second later than they could; none is lost\.$/),
      expect.stringMatching(/^ +Look at REDIS_URL and at the server it names\.$/),
    ]);
    redis.thaw();
    await rings(await newestRing(redis));

    await redis.kill();
    await lab.untilTold("Done: make checkout-db-west");
    await redis.start();
    await rings();
    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
    expect(lab.log.of("rds", "PromoteReadReplica")).toHaveLength(1);
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
  });

  it("comes back with what it held long ago: old rings come again, later ones are lost, and nothing is done twice", async () => {
    await using redis = await openRedis();
    await using lab = await openLab({ strideSeconds: 10, patient: true, settings: { REDIS_URL: redis.url } });
    const runId = await lab.starts();
    await lab.untilTold("Started");
    // Rings that nobody has answered yet are in what is kept.
    const { log } = lab.ctx();
    await lab.musters[0]?.stop();
    const left = await waiting(redis);
    const bell = openQueue({ redis: { url: redis.url }, databaseUrl: lab.environment["DATABASE_URL"] ?? "", log });
    for (const each of [runId, runId, "fo-nobody"]) await bell.ring(each);
    expect(await waiting(redis)).toBe(left + 3);
    const kept = await newestRing(redis);
    await redis.keep();
    await lab.startMuster();
    await lab.untilTold("Starting to make checkout-db-west");
    await untilRedis("they are answered", async () => (await waiting(redis)) === 0);

    await redis.kill();
    await redis.start();
    await untilRedis("the old rings are answered again", () => wasAnswered(redis, kept));
    await untilRedis("all of them are", async () => (await waiting(redis)) === 0);
    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
    expect(lab.log.of("rds", "PromoteReadReplica")).toHaveLength(1);
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
    await bell.close();
  });
});
