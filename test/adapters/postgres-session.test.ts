import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { DatabaseError } from "pg";
import { asApp, asGuard, withPostgres, type Sql } from "../../src/adapters/postgres.ts";
import { isNoLogin, tryWrite } from "../../src/adapters/postgres-fence.ts";
import { KeptSessions } from "../../src/adapters/postgres-session.ts";
import { getReplicationState } from "../../src/adapters/postgres-state.ts";
import { east, west } from "../../src/lab/estate.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { app } from "../../src/lab/shop.ts";
import { openBench, type Bench } from "../steps/bench.ts";
import { from, to } from "../steps/inputs.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

describe("a kept session", () => {
  it("is used again, unless it has ended, failed, or leads elsewhere by now", async () => {
    const kept = new KeptSessions();
    const place = { host: "kept.lab", port: 5432, database: app.database };
    const backend = async (sql: Sql) => (await sql.query<{ pid: number }>("select pg_backend_pid() as pid"))[0]?.pid;
    const look = <T>(work: (sql: Sql) => Promise<T>) =>
      withPostgres(bench.ctx, bench.ctx.clients.pg, asGuard(bench.ctx.clients.pg, place), "Test", work, { kept });
    const leadTo = (region: string) => bench.dns.setName(place.host, bench.addresses.host(region === east ? 10 : 20));
    leadTo(east);
    const first = await look(backend);
    expect(await look(backend)).toBe(first);
    await ask(bench.pair.primary.server, `select pg_terminate_backend(${first}, 5000)`);
    const second = await look(backend);
    expect(second).not.toBe(first);
    await expect(look((sql) => sql.query("select nonsense"))).rejects.toThrow("nonsense");
    const third = await look(backend);
    expect(third).not.toBe(second);
    const both = await Promise.all([look(backend), look(backend)]);
    expect(new Set(both).size).toBe(2);
    leadTo(west);
    expect(await look(getReplicationState)).toMatchObject({ inRecovery: true });
    leadTo(east);
    kept.close();
    const [last, again] = [await look(backend), await look(backend)];
    expect(again).not.toBe(last);
  });
});

describe("a log-in that a server refuses", () => {
  const write = (password: string = app.password, place = from) =>
    tryWrite(
      bench.ctx,
      bench.ctx.clients.pg,
      asApp(place, `postgres://${app.user}:${password}@unused/${app.database}?sslmode=disable`),
    );

  it("a wrong password proves nothing, and a replica takes no write", async () => {
    expect(await write("wrong")).toMatchObject({ accepted: "unknown" });
    expect(await write(app.password, to)).toEqual({ accepted: false, because: "the server is read-only" });
  });

  it("a server that lets nobody in from here proves nothing, and says why in its own words", async () => {
    const { server } = bench.pair.primary;
    const file = join(server.dataDir, "pg_hba.conf");
    const before = await readFile(file, "utf8");
    const becomes = async (text: string, accepted: boolean | "unknown") => {
      await writeFile(file, text);
      await ask(server, "select pg_reload_conf()");
      while ((await write()).accepted !== accepted) await setTimeout(20);
    };
    await becomes(`host all app all reject\n${before}`, "unknown");
    expect(await write()).toEqual({
      accepted: "unknown",
      because: expect.stringMatching(/^the server does not let Muster in as "app": pg_hba\.conf rejects connection/),
    });
    await becomes(before, true);
  });

  it.each([
    ['role "app" is not permitted to log in', "28000", "InitializeSessionUserId", true],
    ["Rolle »app« hat keine Berechtigung zum Einloggen", "28000", "InitializeSessionUserId", true],
    ['role "app" is not permitted to log in', "28000", undefined, true],
    ['PAM authentication failed for user "app"', "28000", "auth_failed", false],
    ['no pg_hba.conf entry for host "10.0.0.1", user "app", no encryption', "28000", "ClientAuthentication", false],
    ['password authentication failed for user "app"', "28P01", "auth_failed", false],
  ])("%s: %s from %s", (message, code, routine, noLogin) => {
    const error = Object.assign(new DatabaseError(message, message.length, "error"), { code, routine });
    expect(isNoLogin(error)).toBe(noLogin);
  });
});
