import { describe, expect, it, jest } from "@jest/globals";
import { west } from "../../src/lab/estate.ts";
import { openLab } from "../../src/lab/lab.ts";
import { openRedis } from "../../src/lab/redis.ts";

/** Long, because a machine may be busy with other things: no story waits on the wall. */
jest.setTimeout(240_000);

/** Moments of a run after which somebody loses the queue. */
const moments = ["Started", "Starting to make checkout-db-west", "Done: make checkout-db-west"];

describe("a queue that forgets everything in the middle of a run", () => {
  it("delays it and loses nothing: Redis, wiped again and again, and gone in the end", async () => {
    await using redis = await openRedis();
    await using lab = await openLab({ strideSeconds: 10, patient: true, settings: { REDIS_URL: redis.url } });
    await lab.starts();
    for (const moment of moments) {
      await lab.untilTold(moment);
      await redis.wipe();
    }
    await lab.untilTold("Starting to send all traffic");
    await redis.kill();
    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
  });

  it("delays it and loses nothing: Postgres, with every job deleted", async () => {
    await using lab = await openLab({ strideSeconds: 10, patient: true });
    await lab.starts();
    const tables = await lab.query<{ name: string }>(
      "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'muster_queue'",
    );
    expect(tables.length).toBeGreaterThan(0);
    for (const moment of moments) {
      await lab.untilTold(moment);
      await lab.query(`truncate ${tables.map(({ name }) => name).join(", ")}`);
    }
    expect(await lab.untilRests()).toBe("done");
    expect(lab.doubled()).toEqual([]);
    expect(await lab.dig()).toEqual([lab.edges[west]?.address]);
  });
});
