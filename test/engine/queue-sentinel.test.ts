import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readConfig } from "../../src/config.ts";
import { messageOf } from "../../src/errors.ts";
import { openAuthority } from "../../src/lab/certificates.ts";
import { openWatchedRedis, type WatchedRedis } from "../../src/lab/redis-sentinel.ts";
import { newestRing, untilRedis, wasAnswered } from "../../src/lab/redis.ts";
import { lookAtQueue, openQueue } from "../../src/queue.ts";
import { redisOf } from "../../src/queue-redis.ts";
import { quiet } from "./engine-lab.ts";

const databaseUrl = "postgres://muster@127.0.0.1:1/muster";
let redis: WatchedRedis;
beforeAll(async () => {
  redis = await openWatchedRedis({ authority: await openAuthority() });
}, 60_000);
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

const placeWith = (changes: Record<string, string> = {}) =>
  redisOf(readConfig({ DATABASE_URL: databaseUrl, ...redis.settings, ...changes }));
const look = (changes?: Record<string, string>) =>
  lookAtQueue({ redis: placeWith(changes), databaseUrl, within: 10_000 }).catch(messageOf);

describe("a queue that sentinels lead to, over TLS and with passwords", () => {
  it("is seen through them, and rings", async () => {
    expect(await look()).toEqual({
      kind: "Redis",
      version: expect.stringMatching(/^Redis [\d.]+$/),
      sentinels: { asked: 3, faults: [] },
    });
    const heard: string[] = [];
    const onRing = async (runId: string) => void heard.push(runId);
    const queue = openQueue({ redis: placeWith(), databaseUrl, onRing, log: quiet });
    try {
      const before = await newestRing(redis);
      await untilRedis("it rings", async () => {
        await queue.ring("fo-1");
        return wasAnswered(redis, before);
      });
      expect(heard).toContain("fo-1");
    } finally {
      await queue.close();
    }
  });

  it.each<[string, Record<string, string>, RegExp]>([
    [
      "another name",
      { REDIS_MASTER: "nobody" },
      /^The sentinels know no master by the name of REDIS_MASTER, "nobody"\./,
    ],
    [
      "a wrong password of the sentinels",
      { REDIS_SENTINEL_PASSWORD: "hunter2" },
      /^No sentinel tells where .*: WRONGPASS/,
    ],
    ["a wrong password of Redis", { REDIS_PASSWORD: "hunter2" }, /^WRONGPASS/],
    ["an authority that nobody trusts", { EXTRA_CA_FILE: "" }, /^No sentinel tells where .*certificate/],
    ["no TLS", { REDIS_TLS: "off" }, /^No sentinel tells where Redis is: 127\.0\.0\.1:\d+ breaks connections/],
  ])("with %s says which it is, and shows no secret", async (_what, changes, says) => {
    const said = await look(changes);
    expect(said).toMatch(says);
    expect(said).not.toMatch(/hunter2|lab-sentinel|lab-redis/);
  });

  it("is seen, with what is missing, when sentinels are lost; and not at all without any", async () => {
    await redis.loseSentinels(2);
    await untilRedis("the one that is left has seen it", async () => {
      const said = await look();
      return typeof said === "object" && said.sentinels?.cannotAgree === true && said.sentinels.faults.length === 2;
    });
    await redis.loseSentinels(1);
    expect(await look()).toMatch(/^No sentinel tells where Redis is: (127\.0\.0\.1:\d+ refuses connections(; )?){3}\./);
  });
});
