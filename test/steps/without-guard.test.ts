import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { failover } from "../../jobs/failover.ts";
import type { Json, Reads } from "../../src/engine/step.ts";
import { lookAtFailover } from "../../src/facts/failover.ts";
import { predictedLoss } from "../../src/facts/moves.ts";
import { west } from "../../src/lab/estate.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { catchUp } from "../../src/steps/catch-up.ts";
import { fenceWrites, type FenceWritesSeen } from "../../src/steps/fence-writes.ts";
import { openWrites } from "../../src/steps/open-writes.ts";
import { promoteReplica } from "../../src/steps/promote-replica.ts";
import { verifyDatabase } from "../../src/steps/verify-database.ts";
import { estate, withDatabase } from "../jobs/facts.ts";
import { drive, openBench, takeBack, type Bench } from "./bench.ts";
import { inputs } from "./inputs.ts";

const input = { toRegion: west, service: "checkout" };

describe("a database in which Muster's schema was never made", () => {
  let bench: Bench;
  const reads: Reads = {};
  const primary = () => bench.pair.primary.server;
  const plan = async () => {
    const facts = withDatabase(await lookAtFailover({ ...bench.ctx, estate }, input));
    return { facts, ...failover.plan(estate, input, facts) };
  };
  const arrives = async () => {
    const [row] = await ask<{ lsn: string }>(primary(), "select pg_current_wal_lsn()::text as lsn");
    const there = `select pg_last_wal_replay_lsn() >= '${row?.lsn}'::pg_lsn as yes`;
    while (!(await ask<{ yes: boolean }>(bench.pair.replica.server, there))[0]?.yes) await bench.ctx.clock.sleep(1);
  };

  beforeAll(async () => {
    bench = await openBench();
    await ask(primary(), "drop schema muster_guard cascade");
    await arrives();
  });
  afterAll(() => bench.close());

  it("may be left, and the plan says what is weaker", async () => {
    const { blockers, warnings, facts } = await plan();
    expect(blockers.join()).not.toMatch(/muster_guard|role/);
    expect(predictedLoss(facts)).toBeUndefined();
    expect(warnings).toContainEqual(
      expect.stringMatching(/^checkout-db has no schema muster_guard: how many writes would be lost is unknown/),
    );
  });

  it("is fenced, opened again, and fenced once more", async () => {
    const { before } = await drive(bench, fenceWrites, inputs.fenceWrites);
    await takeBack(bench, fenceWrites, inputs.fenceWrites, before as FenceWritesSeen);
    reads["fence-writes"] = (await drive(bench, fenceWrites, inputs.fenceWrites)).result as Json;
    expect(reads["fence-writes"]).toMatchObject({ canLogIn: false, heartbeatAt: null });
  });

  it("is promoted, opened and verified without it", async () => {
    reads["catch-up"] = (await drive(bench, catchUp, inputs.catchUp, reads)).result as Json;
    await drive(bench, promoteReplica, inputs.promoteReplica, reads);
    expect((await drive(bench, openWrites, inputs.openWrites)).result).toMatchObject({ canLogIn: true, marked: null });
    const { result } = await drive(bench, verifyDatabase, inputs.verifyDatabase, reads);
    expect(result).toMatchObject({ canary: null, appRefused: null, oldSide: { state: "fenced" } });
  });
});

describe("a database in which Muster's role may too little", () => {
  let bench: Bench;
  const primary = () => bench.pair.primary.server;
  const blockers = async () =>
    failover.plan(estate, input, await lookAtFailover({ ...bench.ctx, estate }, input)).blockers;

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  it("is not left before it may take the application's login, on every side that was seen", async () => {
    await ask(primary(), "alter role muster nocreaterole");
    expect(await blockers()).toContainEqual(
      expect.stringMatching(
        /^Muster's role may not take and give the login of "app" at checkout-db\. Writes could not be stopped there.* Run src\/adapters\/guard\.sql/,
      ),
    );
    await ask(primary(), "alter role muster createrole");
  });

  it("is not left before it may end the application's sessions", async () => {
    await ask(primary(), "revoke pg_signal_backend from muster");
    await ask(primary(), "revoke app from muster");
    expect(await blockers()).toContainEqual(
      expect.stringMatching(
        /^Muster's role may not end the sessions of "app" at checkout-db\. A fence would hold nobody/,
      ),
    );
    await ask(primary(), "grant pg_signal_backend to muster");
    await ask(primary(), "grant app to muster with admin option");
  });

  it("is not left while it has no role of the application's name", async () => {
    const facts = await lookAtFailover(
      { ...bench.ctx, estate, secret: () => "postgres://nobody:x@unused/shop?sslmode=disable" },
      input,
    );
    expect(failover.plan(estate, input, facts).blockers).toContainEqual(
      expect.stringMatching(/^checkout-db has no role "nobody", which appRole names\. Nothing was changed\./),
    );
  });
});
