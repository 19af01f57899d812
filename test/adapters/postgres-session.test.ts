import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { asGuard, withPostgres, type Sql } from "../../src/adapters/postgres.ts";
import { KeptSessions } from "../../src/adapters/postgres-session.ts";
import { getReplicationState } from "../../src/adapters/postgres-state.ts";
import { east, west } from "../../src/lab/estate.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { app } from "../../src/lab/shop.ts";
import { openBench, type Bench } from "../steps/bench.ts";

describe("a kept session", () => {
  let bench: Bench;

  beforeAll(async () => {
    bench = await openBench();
  });
  afterAll(() => bench.close());

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
