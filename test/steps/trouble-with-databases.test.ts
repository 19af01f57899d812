import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { setTimeout } from "node:timers/promises";
import { fenceRole } from "../../src/adapters/postgres-fence.ts";
import { CannotContinue } from "../../src/errors.ts";
import { isUnknown, type Json, type Reads } from "../../src/engine/step.ts";
import { instances, west } from "../../src/lab/estate.ts";
import { ask, pauseReplay, streams } from "../../src/lab/postgres-pair.ts";
import { acceptLoss } from "../../src/steps/accept-loss.ts";
import { catchUp } from "../../src/steps/catch-up.ts";
import { asMuster } from "../../src/steps/database.ts";
import { fenceWrites, type FenceWritesSeen } from "../../src/steps/fence-writes.ts";
import { openWrites } from "../../src/steps/open-writes.ts";
import { promoteReplica } from "../../src/steps/promote-replica.ts";
import { verifyDatabase } from "../../src/steps/verify-database.ts";
import { drive, failure, openBench, takeBack, type Bench } from "./bench.ts";
import { from, inputs } from "./inputs.ts";

const order = "insert into orders (number, customer, total_cents) values (1, 'Ada', 1)";

describe("trouble with databases", () => {
  let bench: Bench;
  let reads: Reads = {};
  const primary = () => bench.pair.primary.server;

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

  it("a writer that only Muster cannot reach is not taken for dead: its replica hears it", async () => {
    await bench.pair.primary.front.setMode("refuses");
    const error = await failure(fenceWrites.observe(bench.ctx, inputs.fenceWrites, {}));
    await bench.pair.primary.front.setMode("open");
    expect(String(error)).toMatch(
      /checkout-db refuses connections, but its replica checkout-db-west still receives from it: it lives, and is not fenced$/,
    );
  });

  it("a fence whose proof fails for another reason is no fence, and can be taken back all the same", async () => {
    await ask(primary(), "alter role app password 'another'");
    const open = await fenceWrites.observe(bench.ctx, inputs.fenceWrites, {});
    const proven = { ...fenceWrites, missing: ({ canLogIn }: FenceWritesSeen) => (canLogIn ? "open" : undefined) };
    await drive(bench, proven, inputs.fenceWrites);
    const seen = await fenceWrites.observe({ ...bench.ctx }, inputs.fenceWrites, {});
    if (isUnknown(seen) || isUnknown(open)) throw new Error("it can be seen");
    expect(seen).toMatchObject({ canLogIn: false, provenBy: null });
    expect(fenceWrites.missing(seen, inputs.fenceWrites, {})).toBe(
      'the fence at checkout-db is not proven: the password of the role "app" is not right',
    );
    await takeBack(bench, fenceWrites, inputs.fenceWrites, open);
    expect(await ask(primary(), "select rolcanlogin as can from pg_roles where rolname = 'app'")).toEqual([
      { can: true },
    ]);
    await ask(primary(), "alter role app password 'lab-app'");
    // What the server itself refuses is another thing.
    if (!("apply" in fenceWrites.undo)) throw new Error("the fence can be taken back");
    const refused = { ...open, refused: true as const, unproven: "the server is read-only" };
    expect(fenceWrites.undo.missing(refused, open, inputs.fenceWrites)).toBe(
      "the application cannot write at checkout-db: the server is read-only",
    );
  });

  it("a writer whose connections the application has all taken is fenced, and opened again", async () => {
    await ask(primary(), "alter role app connection limit 0");
    const fenced = await drive(bench, fenceWrites, inputs.fenceWrites);
    expect(fenced.result).toMatchObject({ provenBy: 'the role "app" may not log in' });
    await takeBack(bench, fenceWrites, inputs.fenceWrites, fenced.before as FenceWritesSeen);
    await ask(primary(), "alter role app connection limit -1");
  });

  it("what was written just before the fence is waited for, and the way back opens writes again", async () => {
    await pauseReplay(bench.pair.replica.server, true);
    await ask(primary(), order);
    const fenced = await drive(bench, fenceWrites, inputs.fenceWrites);
    const behind = "select from pg_stat_wal_receiver where pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()";
    while ((await ask(bench.pair.replica.server, behind)).length === 0) await setTimeout(20);
    reads = { "fence-writes": fenced.result };
    const seen = await catchUp.observe(bench.ctx, inputs.catchUp, reads);
    if (isUnknown(seen)) throw new Error(seen.unknown);
    expect(catchUp.missing(seen, inputs.catchUp, reads)).toBe("checkout-db-west has not replayed up to the fence yet");

    // A forced move does not wait for what a replica holds back, on purpose above all: it asks, and promotes with all of it.
    const forced = { ...inputs.catchUp, mode: "ungraceful" as const };
    const { result, waited } = await drive(bench, catchUp, forced, reads);
    expect(waited.at(-1)).toMatch(
      /^checkout-db-west received everything up to the fence, and has not applied it: \d+ kB are left, which it applies once it is promoted$/,
    );
    expect(acceptLoss.question({ ...inputs.acceptLoss, shownLossSeconds: 5 }, { "catch-up": result })).toMatch(
      /once it is promoted\. How much of checkout is lost is unknown; the card said 5 s\. Promote\?$/,
    );

    // Without a fence and without a writer, what is left to replay is unknown loss, and says how much is left.
    await bench.pair.link.setMode("refuses");
    while (await streams(bench.pair.replica.server)) await setTimeout(20);
    const ungraceful = { ...inputs.catchUp, mode: "ungraceful" as const };
    expect(await catchUp.observe(bench.ctx, ungraceful, {})).toEqual({
      unknown: expect.stringMatching(/^checkout-db-west has not replayed what it received: \d+ kB are left$/),
    });
    await bench.pair.link.setMode("open");
    await pauseReplay(bench.pair.replica.server, false);

    const before = fenced.before as FenceWritesSeen;
    expect(before).toMatchObject({ canLogIn: true, provenBy: null, fenceLsn: null });
    await takeBack(bench, fenceWrites, inputs.fenceWrites, before);
    await drive(bench, fenceWrites, inputs.fenceWrites);
  });

  it("a worker with an older lease neither fences nor opens", async () => {
    await asMuster(bench.ctx, from, "FenceRole", (sql) =>
      fenceRole(sql, "app", { ...bench.ctx, runId: "run-1", epoch: 5 }),
    );
    const late = bench.as({ epoch: 4 });
    const seen = (await fenceWrites.observe(late, inputs.fenceWrites, {})) as FenceWritesSeen;
    const applied = { before: seen, seen, reads: {} };
    if (!("apply" in fenceWrites.undo)) throw new Error("the fence can be taken back");
    const error = await failure(fenceWrites.undo.apply(late, inputs.fenceWrites, applied));
    expect(fenceWrites.hadNoEffect?.(error)).toBe(true);
    expect(await ask(primary(), "select rolcanlogin as can from pg_roles where rolname = 'app'")).toEqual([
      { can: false },
    ]);
    bench.ctx.epoch = 6;
  });

  it("a replica that is backing up is waited for, in words, and promoted once", async () => {
    reads["catch-up"] = (await drive(bench, catchUp, inputs.catchUp, reads)).result as Json;
    bench.rds.setStatus(instances[west], "backing-up");
    // It backs up until it was seen to.
    let looks = 0;
    const patient: typeof promoteReplica = {
      ...promoteReplica,
      observe: async (...args) => {
        const seen = await promoteReplica.observe(...args);
        if ((looks += 1) === 1) bench.rds.setStatus(instances[west], "available");
        return seen;
      },
    };
    const { waited } = await drive(bench, patient, inputs.promoteReplica, reads);
    expect(waited[0]).toBe('checkout-db-west is "backing-up", and cannot be promoted before it is available');
    expect(bench.log.of("rds", "PromoteReadReplica")).toHaveLength(1);
  });

  it("a second promotion is refused, which is no failure", async () => {
    const seen = await promoteReplica.observe(bench.ctx, inputs.promoteReplica, {});
    if (isUnknown(seen) || !promoteReplica.apply) throw new Error("it can be seen");
    expect(seen.promotedAt).not.toBeNull();
    const error = await failure(
      promoteReplica.apply(bench.ctx, inputs.promoteReplica, { before: seen, seen, reads: {} }),
    );
    expect(promoteReplica.hadNoEffect?.(error)).toBe(true);
  });

  it("a replica that somebody promoted before the fence was reached may have lost something, and people are asked", async () => {
    const known: Reads = { ...reads, "catch-up": await catchUp.observe(bench.ctx, inputs.catchUp, reads) };
    expect(known["catch-up"]).toMatchObject({ inRecovery: false, lossSeconds: null });
    expect(acceptLoss.question({ ...inputs.acceptLoss, shownLossSeconds: 0 }, known)).toBe(
      "How much of checkout is lost is unknown; the card said 0 s, 900 s are allowed. Promote?",
    );
  });

  it("a state that does not end by itself is for a person", async () => {
    bench.rds.setStatus(instances[west], "storage-full");
    const error = await failure(promoteReplica.observe(bench.ctx, inputs.promoteReplica, {}));
    bench.rds.setStatus(instances[west], "available");
    expect(error).toBeInstanceOf(CannotContinue);
    expect((error as CannotContinue).explanation.happened).toBe(
      'checkout-db-west is "storage-full", a state that does not end by itself.',
    );
  });

  it("a queue that pods drain since they may write again holds nothing up; a replica that lacked rows does not pass", async () => {
    await drive(bench, openWrites, inputs.openWrites);
    await ask(bench.pair.replica.server, "delete from orders");
    const { result } = await drive(bench, verifyDatabase, inputs.verifyDatabase, reads);
    expect(result).toMatchObject({ notCompared: null });

    const uncounted = { ...reads, "catch-up": { counts: null } };
    const drained = await drive(bench, verifyDatabase, inputs.verifyDatabase, uncounted);
    expect(drained.result).toMatchObject({
      notCompared:
        "since the application may write at checkout-db-west, public.orders ends at nothing, and went up to 1 before: it took rows away, or they are lost",
    });

    // Pods that come up take what the role may have: whether it can write is then not known, and waited for.
    await ask(bench.pair.replica.server, "alter role app connection limit 0");
    const crowded = await verifyDatabase.observe(bench.ctx, inputs.verifyDatabase, reads);
    await ask(bench.pair.replica.server, "alter role app connection limit -1");
    if (isUnknown(crowded)) throw new Error(crowded.unknown);
    expect(verifyDatabase.missing(crowded, inputs.verifyDatabase, reads)).toMatch(
      /^no write of the application could be tried at checkout-db-west: too many connections for role "app"/,
    );

    const lacking: Reads = {
      "fence-writes": { counts: { "public.orders": { rows: 1, exact: true, maxId: "1" } } },
      "catch-up": { counts: { "public.orders": { rows: 0, exact: true } } },
    };
    const seen = await verifyDatabase.observe(bench.ctx, inputs.verifyDatabase, lacking);
    if (isUnknown(seen)) throw new Error(seen.unknown);
    expect(verifyDatabase.missing(seen, inputs.verifyDatabase, lacking)).toBe(
      "checkout-db-west had fewer rows when it had caught up than checkout-db behind its fence, and they were not seen there since: public.orders ends at nothing, and went up to 1 before",
    );

    // The fence binds the application: what somebody else wrote there arrived after the position that was waited for.
    await ask(bench.pair.replica.server, order);
    expect((await drive(bench, verifyDatabase, inputs.verifyDatabase, lacking)).result).toMatchObject({
      notCompared: expect.stringMatching(/^public\.orders had fewer rows when .*, and no fewer now: somebody else/),
    });
  });
});
