import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { chmod, chown, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { rootCertificates } from "node:tls";
import { asApp, asGuard, withPostgres, type Sql, type SslMode } from "../../src/adapters/postgres.ts";
import {
  fenceRole,
  getEpoch,
  getRole,
  guarded,
  GuardRefused,
  tryWrite,
  unfenceRole,
} from "../../src/adapters/postgres-fence.ts";
import { getRoleRights } from "../../src/adapters/postgres-rights.ts";
import { countRows, countRowsSince, listHidden } from "../../src/adapters/postgres-counts.ts";
import {
  getHeartbeat,
  getPromotedAt,
  getReplicationState,
  lsnBytes,
  writeHeartbeat,
} from "../../src/adapters/postgres-state.ts";
import { whyUnreachable } from "../../src/adapters/unreachable.ts";
import { CallTimedOut } from "../../src/call.ts";
import { Config } from "../../src/settings.ts";
import { CannotContinue } from "../../src/errors.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { app } from "../../src/lab/shop.ts";
import { failure, openBench, type Bench } from "../steps/bench.ts";
import { from, to } from "../steps/inputs.ts";
import { countFast, countSlowly } from "../steps/slow-counts.ts";

describe("Postgres", () => {
  let bench: Bench;
  const east = () => bench.pair.primary.server;
  const muster = <T>(work: (sql: Sql) => Promise<T>, target = from, timeoutMs?: number) =>
    withPostgres(
      bench.ctx,
      bench.ctx.clients.pg,
      asGuard(bench.ctx.clients.pg, { host: target.host, port: 5432, database: app.database }),
      "Test",
      work,
      timeoutMs ? { timeoutMs } : {},
    );
  const appUrl = () => `postgres://app:${app.password}@unused/shop?sslmode=disable`;
  const write = () => tryWrite(bench.ctx, bench.ctx.clients.pg, asApp(from, appUrl()));

  /** A session of the application that sleeps, longer than any fence takes; what it ended with. */
  const asleep = (seconds: number) =>
    failure(
      withPostgres(
        bench.ctx,
        bench.ctx.clients.pg,
        asApp(from, appUrl()),
        "Sleep",
        (sql) => sql.query(`select pg_sleep(${seconds})`),
        { timeoutMs: 40_000 },
      ),
    );

  beforeAll(async () => {
    bench = await openBench();
  });
  beforeEach(async () => {
    await ask(east(), "truncate muster_guard.epoch restart identity");
    await ask(east(), "alter role app login");
  });
  afterAll(() => bench.close());

  it("tells where both servers stand", async () => {
    const writer = await muster(getReplicationState);
    const replica = await muster(getReplicationState, to);
    expect(writer).toMatchObject({ inRecovery: false, timeline: 1, hearsWriter: false });
    expect(replica).toMatchObject({ inRecovery: true, timeline: 1, receiver: "streaming", hearsWriter: true });
    expect(lsnBytes(writer.currentLsn ?? "")).toBeGreaterThan(0n);
    expect(lsnBytes("1/0") - lsnBytes("0/FFFFFFFF")).toBe(1n);
    expect(await muster(getPromotedAt)).toBeUndefined();
  });

  it("keeps a heartbeat that never goes back", async () => {
    const at = new Date("2026-11-23T12:00:00.000Z");
    await muster((sql) => writeHeartbeat(sql, at));
    await muster((sql) => writeHeartbeat(sql, new Date(at.getTime() - 5000)));
    expect(new Date((await muster(getHeartbeat)) ?? "")).toEqual(at);
  });

  it("counts rows, their highest keys, and those stamped since", async () => {
    await ask(
      east(),
      "insert into orders (number, customer, total_cents) select n, 'Ada', 1 from generate_series(1, 3) n",
    );
    expect(await muster((sql) => countRows(sql, 2000))).toEqual({
      "public.orders": { rows: 3, exact: true, maxId: "3" },
      "public.users": { rows: 5, exact: true, maxId: "5" },
    });
    const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
    const soon = new Date(Date.now() + 3_600_000).toISOString();
    expect(await muster((sql) => countRowsSince(sql, hourAgo, 2000))).toEqual({ "public.orders": 3 });
    expect(await muster((sql) => countRowsSince(sql, soon, 2000))).toEqual({ "public.orders": 0 });
  });

  it("gives up counting when its time is over, and still knows the highest keys", async () => {
    await countSlowly(east(), "users", 0.25);
    expect(await muster((sql) => countRows(sql, 1200))).toEqual({
      "public.orders": { rows: 3, exact: true, maxId: "3" },
      "public.users": { rows: null, exact: false, maxId: "5" },
    });
    await ask(east(), "analyze users");
    expect((await muster((sql) => countRows(sql, 1200)))["public.users"]).toMatchObject({ rows: 5, exact: false });
    await countFast(east());
  });

  it("knows nothing of a table whose rows it may not all see, and does not leave it out", async () => {
    const hidden = { rows: null, exact: false };
    const hourAgo = new Date(Date.now() - 3_600_000).toISOString();
    await ask(east(), "alter table orders enable row level security");
    expect(await muster((sql) => countRows(sql, 2000))).toMatchObject({ "public.orders": hidden });
    expect(await muster((sql) => countRowsSince(sql, hourAgo, 2000))).toEqual({ "public.orders": null });
    await ask(east(), "alter table orders disable row level security");
    await ask(east(), "create table notes (id int primary key, at timestamptz default now())");
    await ask(east(), "revoke pg_read_all_data from muster");
    expect(await muster((sql) => countRows(sql, 2000))).toMatchObject({ "public.notes": hidden });
    expect(await muster((sql) => countRowsSince(sql, hourAgo, 2000))).toEqual({
      "public.notes": null,
      "public.orders": 3,
    });
    // Before Postgres 14 there is no such role: temporary views are found before the server's own.
    const guard = await readFile(new URL("../../src/adapters/guard.sql", import.meta.url), "utf8");
    const older = "create temp view pg_roles as select * from pg_catalog.pg_roles where rolname <> 'pg_read_all_data'";
    await ask(east(), `${older}; ${guard}; drop view pg_temp.pg_roles`);
    expect(await muster((sql) => countRows(sql, 2000))).toMatchObject({ "public.notes": hidden });
    expect(await muster(listHidden)).toEqual(["public.notes"]);
    await ask(east(), guard);
    expect(await muster(listHidden)).toEqual([]);
    expect(await muster((sql) => countRows(sql, 2000))).toMatchObject({ "public.notes": { rows: 0, exact: true } });
    await ask(east(), "drop table notes");
  });

  it("fences: no session stays, no write goes through, and it can be taken back", async () => {
    expect(await write()).toEqual({ accepted: true });
    const sessions = Array.from({ length: 5 }, () => asleep(30));
    const asleepNow =
      "select count(*)::int as count from pg_stat_activity where usename = 'app' and query = 'select pg_sleep(30)'";
    while ((await ask<{ count: number }>(east(), asleepNow))[0]?.count !== 5) await setTimeout(5);
    await muster((sql) => fenceRole(sql, "app", { ...bench.ctx, runId: "a", epoch: 1 }));
    expect((await Promise.all(sessions)).map(whyUnreachable)).toEqual(Array(5).fill("is shutting down"));
    expect(await muster((sql) => getRole(sql, "app"))).toEqual({ canLogIn: false, sessions: 0 });
    expect(await write()).toEqual({ accepted: false, because: 'the role "app" may not log in' });
    const refusal = await failure(
      withPostgres(bench.ctx, bench.ctx.clients.pg, asApp(from, appUrl()), "LogIn", (sql) => sql.query("select 1")),
    );
    expect(refusal).toMatchObject({ code: "28000", routine: "InitializeSessionUserId" });
    await muster((sql) => unfenceRole(sql, "app", { ...bench.ctx, runId: "a", epoch: 1 }));
    expect(await write()).toEqual({ accepted: true });
  });

  it("ends a session that shows itself only after the fence was committed", async () => {
    const asleepNow = "select count(*)::int as count from pg_stat_activity where query = 'select pg_sleep(60)'";
    let late: Promise<unknown> | undefined;
    let ends = 0;
    const slip = async () => {
      await ask(east(), "alter role app login");
      late = asleep(60);
      while (!(await ask<{ count: number }>(east(), asleepNow))[0]?.count) await setTimeout(5);
      await ask(east(), "alter role app nologin");
    };
    await muster(
      (sql) =>
        fenceRole(
          {
            query: async (text, values) => {
              const rows = await sql.query<never>(text, values);
              // The second is the first after the commit.
              if (text.includes("pg_terminate_backend") && (ends += 1) === 2) await slip();
              return rows;
            },
          },
          "app",
          { ...bench.ctx, runId: "late", epoch: 1 },
        ),
      from,
      40_000,
    );
    expect(await muster((sql) => getRole(sql, "app"))).toEqual({ canLogIn: false, sessions: 0 });
    expect(whyUnreachable(await late)).toBe("is shutting down");
  });

  it("a worker of an old lease, or of an older run, changes nothing", async () => {
    const fence = (runId: string, epoch: number) =>
      muster((sql) => fenceRole(sql, "app", { ...bench.ctx, runId, epoch }));
    const unfence = (runId: string, epoch: number) => muster((sql) => unfenceRole(sql, "app", { runId, epoch }));
    await fence("a", 2);
    expect(await failure(unfence("a", 1))).toBeInstanceOf(GuardRefused);
    await unfence("a", 3);
    await fence("b", 1);
    expect(await failure(unfence("a", 4))).toBeInstanceOf(GuardRefused);
    expect((await muster((sql) => getRole(sql, "app")))?.canLogIn).toBe(false);
    expect(await muster((sql) => getEpoch(sql, "a"))).toBe(3);
  });

  it("takes everything back when the work fails", async () => {
    const broken = muster((sql) =>
      guarded(sql, { runId: "c", epoch: 1 }, async () => {
        await sql.query("alter role app nologin");
        await sql.query("select 1 / 0");
      }),
    );
    expect(await failure(broken)).toMatchObject({ code: "22012" });
    expect((await muster((sql) => getRole(sql, "app")))?.canLogIn).toBe(true);
  });

  it("fences without the schema, and says how to give the right where it is not there", async () => {
    await ask(east(), "alter schema muster_guard rename to elsewhere");
    await muster((sql) => fenceRole(sql, "app", { ...bench.ctx, runId: "a", epoch: 1 }));
    expect(await muster((sql) => getRole(sql, "app"))).toEqual({ canLogIn: false, sessions: 0 });
    expect(await muster(getHeartbeat)).toBeUndefined();
    await ask(east(), "alter schema elsewhere rename to muster_guard");

    await ask(east(), "alter role muster nocreaterole");
    expect(await muster((sql) => getRoleRights(sql, "app"))).toEqual({
      canLogIn: false,
      mayFence: false,
      mayEndSessions: true,
    });
    const error = await failure(muster((sql) => unfenceRole(sql, "app", { runId: "a", epoch: 1 })));
    await ask(east(), "alter role muster createrole");
    expect(error).toBeInstanceOf(CannotContinue);
    expect((error as CannotContinue).message).toMatch(
      /^The database did not let Muster's role do that: .* Nothing was changed here\. Type muster doctor: it names the right/,
    );
    expect(await muster((sql) => getRoleRights(sql, "app"))).toMatchObject({ mayFence: true });
    expect(await muster((sql) => getRoleRights(sql, "nobody"))).toBeUndefined();
  });

  it("gives up a statement, and the server does too", async () => {
    expect(await failure(muster((sql) => sql.query("select pg_sleep(60)"), from, 300))).toBeDefined();
    const running =
      "select count(*)::int as count from pg_stat_activity where query like '%pg_sleep(60)%' and pid <> pg_backend_pid()";
    const goesOn = async () => (await ask<{ count: number }>(east(), running))[0]?.count !== 0;
    for (let looks = 0; looks < 500 && (await goesOn()); looks += 1) await setTimeout(20);
    expect(await goesOn()).toBe(false);
  });

  it("logs in only to a server that proves its name, unless it is told otherwise", async () => {
    const { dataDir } = east();
    const { uid, gid } = await stat(dataDir);
    const serve = async (host: string) => {
      const { cert, key } = await bench.authority.issue({ hosts: [host] });
      for (const [name, text] of Object.entries({ "server.crt": cert, "server.key": key })) {
        await writeFile(join(dataDir, name), text);
        await chown(join(dataDir, name), uid, gid);
        await chmod(join(dataDir, name), 0o600);
      }
      await ask(east(), "alter system set ssl = on");
      await ask(east(), "select pg_reload_conf()");
    };
    const { pg } = bench.ctx.clients;
    const as = (ssl: SslMode, ca = pg.ca) =>
      withPostgres(
        bench.ctx,
        { ...pg, ca, guard: { ...pg.guard, ssl } },
        { ...asGuard(pg, { host: from.host, port: from.port, database: app.database }), ssl },
        "Test",
        (sql) => sql.query<{ ssl: boolean }>("select ssl from pg_stat_ssl where pid = pg_backend_pid()"),
      );
    const encrypted = async () => (await as("require").catch(() => []))[0]?.ssl;

    await serve("another.example.com");
    while (!(await encrypted())) await setTimeout(20);
    expect(String(await failure(as("verify-full")))).toMatch(/does not match certificate's altnames/);
    await serve(from.host);
    const proven = async () => (await as("verify-full").catch(() => []))[0]?.ssl;
    while (!(await proven())) await setTimeout(20);
    const stranger = await failure(as("verify-full", [...rootCertificates]));
    expect(String(stranger)).toMatch(/certificate/);
    // It answered: it must not be taken for dead.
    expect(whyUnreachable(stranger)).toBeUndefined();
    expect(Config.shape.GUARD_SSL.parse(undefined)).toBe("verify-full");
    await ask(east(), "alter system reset ssl");
    await ask(east(), "select pg_reload_conf()");
  });

  it("tells a silent server from one that refuses, and one without an address", async () => {
    await bench.pair.primary.front.setMode("silent");
    const silent = await failure(muster(getReplicationState));
    await bench.pair.primary.front.setMode("refuses");
    const refuses = await failure(muster(getReplicationState));
    await bench.pair.primary.front.setMode("open");
    expect(silent instanceof CallTimedOut || whyUnreachable(silent) === "does not answer").toBe(true);
    expect(whyUnreachable(refuses)).toBe("refuses connections");
    // What pg says of a connection that broke between two queries.
    const broken = new Error("Client has encountered a connection error and is not queryable");
    expect(whyUnreachable(broken)).toBe("breaks connections");
    const nowhere = await failure(muster(getReplicationState, { ...from, host: "nowhere.example.com" }));
    expect(whyUnreachable(nowhere)).toBe("has no address");
  });
});
