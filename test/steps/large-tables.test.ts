import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { setTimeout } from "node:timers/promises";
import { isUnknown, type Json, type Reads } from "../../src/engine/step.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { catchUp } from "../../src/steps/catch-up.ts";
import { sayDivergence, sumUp } from "../../src/steps/divergence.ts";
import { fenceWrites } from "../../src/steps/fence-writes.ts";
import { openWrites } from "../../src/steps/open-writes.ts";
import { promoteReplica } from "../../src/steps/promote-replica.ts";
import { doubts, lackedTable, notCompared, rowsBeyond, shortTable } from "../../src/steps/row-counts.ts";
import { verifyDatabase } from "../../src/steps/verify-database.ts";
import { drive, openBench, type Bench } from "./bench.ts";
import { inputs } from "./inputs.ts";
import { countSlowly } from "./slow-counts.ts";

describe("a database with a table that nobody can count in time", () => {
  let bench: Bench;
  const reads: Reads = {};
  const primary = () => bench.pair.primary.server;

  beforeAll(async () => {
    bench = await openBench();
    await countSlowly(primary(), "users", 60);
    // Who owns it hides its rows from everybody else.
    await ask(primary(), "create table secrets (id int primary key)");
    await ask(primary(), "alter table secrets enable row level security");
  });
  afterAll(() => bench.close());

  it("is not called dead when it falls silent right after its fence was proven", async () => {
    const ctx = bench.as({
      point: async (name) => {
        if (name === "before postgres.TakeBaseline") await bench.pair.primary.front.setMode("refuses");
      },
    });
    await drive(
      bench,
      { ...fenceWrites, missing: ({ canLogIn }) => (canLogIn ? "open" : undefined) },
      inputs.fenceWrites,
    );
    await expect(fenceWrites.observe(ctx, inputs.fenceWrites, {})).rejects.toThrow(
      /^checkout-db takes no writes of the application any more, but where its log ends was not seen: it refuses connections$/,
    );
    await bench.pair.primary.front.setMode("open");
  });

  it("is fenced, caught up with and promoted", async () => {
    reads["fence-writes"] = (await drive(bench, fenceWrites, inputs.fenceWrites)).result as Json;
    expect(reads["fence-writes"]).toMatchObject({
      provenBy: 'the role "app" may not log in',
      counts: {
        "public.orders": { rows: 0, exact: true },
        "public.secrets": { rows: null, exact: false },
        "public.users": { rows: null, exact: false, maxId: "5" },
      },
    });
    reads["catch-up"] = (await drive(bench, catchUp, inputs.catchUp, reads)).result as Json;
    await drive(bench, promoteReplica, inputs.promoteReplica, reads);
  });

  it("is opened though its own configuration makes transactions read-only, which does not pass its check", async () => {
    const configure = async (value: string) => {
      await ask(bench.pair.replica.server, `alter system set default_transaction_read_only = ${value}`);
      await ask(bench.pair.replica.server, "select pg_reload_conf()");
      const shown = () =>
        ask(bench.pair.replica.server, "select current_setting('default_transaction_read_only') as now");
      while (JSON.stringify(await shown()) !== JSON.stringify([{ now: value }])) await setTimeout(20);
    };
    await configure("on");
    await drive(bench, openWrites, inputs.openWrites);
    const before = await verifyDatabase.observe(bench.ctx, inputs.verifyDatabase, reads);
    if (isUnknown(before)) throw new Error(before.unknown);
    await verifyDatabase.apply?.(bench.ctx, inputs.verifyDatabase, { before, seen: before, reads });
    const seen = await verifyDatabase.observe(bench.ctx, inputs.verifyDatabase, reads);
    if (isUnknown(seen)) throw new Error(seen.unknown);
    expect(verifyDatabase.missing(seen, inputs.verifyDatabase, reads)).toBe(
      "the application cannot write at checkout-db-west: its transactions are read-only there unless they ask to write; set default_transaction_read_only to off, in the server's configuration or for the role",
    );
    await configure("off");
  });

  it("passes its check, which says what it did not compare", async () => {
    expect((await drive(bench, verifyDatabase, inputs.verifyDatabase, reads)).result).toMatchObject({
      notCompared:
        "the rows of public.secrets at checkout-db-west were not compared: they take too long to count, or Muster's role may not see them all",
    });
  });
});

describe("rows before and after a promotion", () => {
  const counted = (rows: number, maxId?: string) => ({ rows, exact: true, ...(maxId ? { maxId } : {}) });
  const guessed = (rows: number | null, maxId?: string) => ({ rows, exact: false, ...(maxId ? { maxId } : {}) });

  const many = (tables: number) =>
    Object.fromEntries(Array.from({ length: tables }, (_, index) => [`t${index}`, counted(3, "3")]));

  it.each([
    [
      "are compared by the highest key where there is one",
      { t: counted(3, "9") },
      { t: counted(5, "9") },
      undefined,
      null,
    ],
    [
      "are short when it is lower",
      { t: guessed(9, "8") },
      { t: guessed(9, "9") },
      /^t ends at 8, and went up to 9/,
      null,
    ],
    ["are compared by number without a key", { t: counted(3) }, { t: counted(4) }, /^t has 3 rows, and had 4/, null],
    [
      "are not compared by an estimate",
      { t: guessed(3) },
      { t: counted(4) },
      undefined,
      /^the rows of t at db were not/,
    ],
    [
      "are not compared where a key was not read in time",
      { t: guessed(3) },
      { t: counted(4, "4") },
      undefined,
      /^the rows of t/,
    ],
    ["are missed when the table is gone", {}, { t: counted(4) }, /^the table t is not there/, /^the rows of t/],
  ] as const)("%s", (_name, now, before, short, left) => {
    const [found, uncompared] = [shortTable(now, before), notCompared(now, before, "db")];
    if (short) expect(found).toMatch(short);
    else expect(found).toBeUndefined();
    if (left) expect(uncompared).toMatch(left);
    else expect(uncompared).toBeNull();
  });

  it("are said not to be compared at all where nobody counted them", () => {
    expect(notCompared({}, null, "db")).toBe(
      "no rows of db were compared: nobody could count them before the promotion",
    );
    expect(notCompared(null, {}, "db")).toBe("no rows of db were compared: they could not be counted");
    expect(notCompared({}, {}, "db")).toBe("no rows of db were compared: no table was found before");
  });

  it("are said to be a part where there may be more tables than were counted", () => {
    expect(notCompared(many(50), many(50), "db")).toBe("only the 50 largest tables of db were compared");
    expect(notCompared(many(49), many(49), "db")).toBeNull();
  });

  it.each([
    ["all of them counted", rowsBeyond(many(49), many(49)), /^No row stands at db alone/],
    ["rows of some table not known", { a: 0, b: null }, /^Whether rows stand at db alone is not known/],
    ["perhaps more tables than were counted", rowsBeyond(many(50), many(50)), /^Whether rows stand at db alone is not/],
    ["no table found", {}, /^Whether rows stand at db alone is not known/],
    ["nothing counted", null, /^Whether rows stand at db alone is not known/],
    [
      "perhaps more tables, and rows",
      { ...rowsBeyond(many(50), many(50)), t1: 3 },
      /^At least 3 rows stand at db alone/,
    ],
  ] as const)("left behind, with %s", (_name, rows, sentence) => {
    const divergence = { bytes: 0, rows, rowsAfterPromotion: null };
    expect(sayDivergence(divergence, "db")).toMatch(sentence);
    expect(sumUp(divergence).whole).toBe(sentence.source.startsWith("^No row"));
  });

  it("vouch for a table where they were counted while nobody could write, and for no other", () => {
    const [atFence, had] = [{ queue: counted(3, "9") }, { queue: counted(3, "9") }];
    const drained = { queue: counted(0) };
    expect(lackedTable(drained, { atFence, caughtUp: had })).toBeUndefined();
    expect(doubts(drained, { atFence, caughtUp: had }, "db")).toBeNull();
    expect(doubts(null, { atFence, caughtUp: had }, "db")).toBeNull();
    for (const live of [drained, {}, null])
      expect(lackedTable(live, { atFence, caughtUp: drained })).toBe("queue ends at nothing, and went up to 9 before");
    expect(lackedTable(drained, { atFence: null, caughtUp: had })).toBeUndefined();
    for (const before of [
      { atFence, caughtUp: null },
      { atFence: null, caughtUp: had },
      { atFence, caughtUp: { queue: guessed(3) } },
    ])
      expect(doubts(drained, before, "db")).toMatch(
        /^since .* at db, queue ends at nothing, and went up to 9 before: /,
      );
    expect(doubts(null, { atFence, caughtUp: null }, "db")).toMatch(/^no rows of db were compared/);
  });

  it("of whoever no fence holds are found at the new writer, and hold nothing up there", () => {
    const before = {
      atFence: { log: counted(704), jobs: counted(9, "9"), users: counted(5, "5") },
      caughtUp: { log: counted(701), jobs: counted(8, "8"), users: counted(5, "5") },
    };
    const live = { log: counted(704), jobs: counted(9, "9"), users: counted(5, "5") };
    expect(lackedTable(live, before)).toBeUndefined();
    expect(doubts(live, before, "db")).toBe(
      "log, jobs had fewer rows when db had caught up than behind the fence, and no fewer now: somebody else than the application wrote meanwhile",
    );
    // Each table for itself, and only where it was counted again.
    expect(lackedTable({ ...live, jobs: counted(8, "8") }, before)).toBe("jobs ends at 8, and went up to 9 before");
    expect(lackedTable({ ...live, log: guessed(900) }, before)).toBe("log has 701 rows, and had 704 before");
  });

  it("left behind are counted; by the key's way only where they were not, and by nothing where neither is known", () => {
    const before = { a: counted(3), b: guessed(100, "100"), c: guessed(7), jobs: counted(9, "1000"), gone: counted(2) };
    const now = {
      a: counted(5),
      b: guessed(90, "140"),
      c: guessed(9),
      d: counted(1),
      jobs: counted(5, "1040"),
      gone: counted(1),
    };
    expect(rowsBeyond(now, before)).toEqual({ a: 2, b: 40, c: null, d: null, jobs: null, gone: 0 });
  });

  it("left behind are not invented from keys that are no count: another table's, or made of the time", () => {
    const before = { settings: counted(10, "50"), events: counted(100, "1841234559501515456") };
    const now = { settings: counted(11, "90000"), events: counted(101, "1841234567890123456") };
    const rows = rowsBeyond(now, before);
    expect(rows).toEqual({ settings: 1, events: 1 });
    expect(sayDivergence({ bytes: 900, rows, rowsAfterPromotion: null }, "db")).toMatch(/^2 rows stand at db alone;/);

    // As many rows as before, the newest of them another: some were taken away, and how many came nobody can tell.
    const replaced = rowsBeyond({ ...before, settings: counted(10, "90000") }, before);
    expect(sayDivergence({ bytes: 900, rows: replaced, rowsAfterPromotion: null }, "db")).toBe(
      "Whether rows stand at db alone is not known: a table could not be counted, or has a higher key and no more rows. They would be kept there.",
    );
    expect(sumUp({ rows: replaced, rowsAfterPromotion: null })).toEqual({ rows: 0, late: 0, whole: false });
  });

  it.each([
    [
      "stamps tell, with nothing to compare with",
      { bytes: null, rows: null, rowsAfterPromotion: { orders: 12 } },
      "At least 12 rows stand at db alone, 12 of them written after the promotion; what it has is kept there until somebody decides.",
    ],
    [
      "stamps tell more than rows do where others were deleted",
      { bytes: 9, rows: { orders: 2, users: 0 }, rowsAfterPromotion: { users: 5 } },
      "7 rows stand at db alone, 5 of them written after the promotion; what it has is kept there until somebody decides.",
    ],
    [
      "log was written and no row is new",
      { bytes: 9, rows: { orders: 0 }, rowsAfterPromotion: { orders: 0 } },
      "No new row stands at db alone; whether rows were changed or deleted there cannot be told. What it has is kept there.",
    ],
    [
      "nobody knows how much log was written",
      { bytes: null, rows: { orders: 0 }, rowsAfterPromotion: null },
      "No new row stands at db alone; whether rows were changed or deleted there cannot be told. What it has is kept there.",
    ],
    ["no log was written", { bytes: 0, rows: { orders: 0 }, rowsAfterPromotion: null }, "No row stands at db alone."],
  ] as const)("left behind are told: %s", (_name, divergence, sentence) => {
    expect(sayDivergence(divergence, "db")).toBe(sentence);
  });
});
