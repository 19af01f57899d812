import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { isRefusal } from "../../src/adapters/aws-errors.ts";
import { getInstance, isInvalidState, isThrottled, promoteReplica } from "../../src/adapters/rds.ts";
import { whyUnreachable } from "../../src/adapters/unreachable.ts";
import { CannotContinue } from "../../src/errors.ts";
import { east, instances, west } from "../../src/lab/estate.ts";
import { failure, openBench, type Bench } from "../steps/bench.ts";

describe("RDS", () => {
  let bench: Bench;
  const look = (region: string, id: string) => getInstance(bench.ctx, bench.ctx.clients.rds(region), id);
  const promote = (region: string, id: string) =>
    promoteReplica(bench.ctx, bench.ctx.clients.rds(region), id, { backupRetentionDays: 7 });

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  it("shows a writer and its replica, each in its own region", async () => {
    const writer = await look(east, instances[east]);
    expect(writer).toMatchObject({ id: "checkout-db", region: east, status: "available", hasBackup: true });
    expect(writer).not.toHaveProperty("sourceId");
    expect(await look(west, instances[west])).toMatchObject({
      sourceId: writer?.arn,
      replication: "replicating",
      endpoint: { host: "checkout-db-west.us-west-2.rds.lab", port: 5432 },
    });
    expect(await look(west, instances[east])).toBeUndefined();
  });

  it("shows whether an instance has the tag that the policy asks for, by its name and by its value", async () => {
    const given: [tags: Record<string, string>, tagged: boolean][] = [
      [{}, false],
      [{ "dr-managed": "yes" }, false],
      [{ team: "true" }, false],
      [{ team: "shop", "dr-managed": "true" }, true],
    ];
    for (const [tags, tagged] of given) {
      bench.rds.setTags(instances[west], tags);
      expect(await look(west, instances[west])).toMatchObject({ tagged });
    }
  });

  it("refuses to promote what is no replica, or busy, and changes nothing", async () => {
    const error = await failure(promote(east, instances[east]));
    expect([isInvalidState(error), isRefusal(error)]).toEqual([true, true]);
    bench.rds.setStatus(instances[west], "backing-up");
    expect(isInvalidState(await failure(promote(west, instances[west])))).toBe(true);
    bench.rds.setStatus(instances[west], "available");
    expect(bench.rds.get(instances[west]).promoting).toBe(false);
  });

  it("says in three sentences which right is missing", async () => {
    bench.rds.denied.add("PromoteReadReplica");
    const error = await failure(promote(west, instances[west]));
    bench.rds.denied.delete("PromoteReadReplica");
    expect(error).toBeInstanceOf(CannotContinue);
    expect((error as CannotContinue).explanation.todo).toBe(
      "Give Muster's role rds:PromoteReadReplica, then press Continue.",
    );
  });

  it("tells a throttle from a region that does not answer", async () => {
    bench.rds.knobs.next("DescribeDBInstances", "throttle");
    expect(isThrottled(await failure(look(west, instances[west])))).toBe(true);
    bench.rds.setRegion(west, "silent");
    expect(whyUnreachable(await failure(look(west, instances[west])))).toBe("does not answer");
    bench.rds.setRegion(west, "refuses");
    expect(whyUnreachable(await failure(look(west, instances[west])))).toBe("breaks connections");
    bench.rds.setRegion(west, false);
  });
});
