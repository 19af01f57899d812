import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { asGuard, withPostgres, type Sql } from "../../src/adapters/postgres.ts";
import { countRows, countRowsSince, listHidden } from "../../src/adapters/postgres-counts.ts";
import { fenceRole, getRole } from "../../src/adapters/postgres-fence.ts";
import { getHeartbeat, getPromotedAt, getReplicationState, writeHeartbeat } from "../../src/adapters/postgres-state.ts";
import { getStandbyState } from "../../src/adapters/postgres-standby.ts";
import { ask } from "../../src/lab/postgres-pair.ts";
import { app } from "../../src/lab/shop.ts";
import { openBench, type Bench } from "../steps/bench.ts";
import { from } from "../steps/inputs.ts";

/** Runs in the place of what it is called as, and writes down whose rights it had. */
const trap = (name: string, takes: string, returns: string, value: string) => `
  create function public.${name}(${takes}) returns ${returns} language plpgsql as $trap$ begin
    begin execute 'alter role app login'; exception when others then null; end;
    begin insert into public.caught values ('${name}', current_user); exception when others then null; end;
    return ${value};
  end $trap$`;

/** What an application that owns its database may make there: each fits better than Postgres's own of that name. */
const traps = [
  "create table public.caught (name text, who text)",
  "grant insert on public.caught to public",
  trap("to_json", "timestamptz", "json", "pg_catalog.to_json($1)"),
  trap("smaller", "name, name", "name", "coalesce($1, $2)"),
  "create aggregate public.min(name) (sfunc = public.smaller, stype = name)",
  trap("below", "timestamptz, timestamptz", "boolean", "$1 operator(pg_catalog.<) $2"),
  "create operator public.> (leftarg = timestamptz, rightarg = timestamptz, function = public.below)",
  trap("joined", "name, text", "text", "$1::text operator(pg_catalog.||) $2"),
  "create operator public.|| (leftarg = name, rightarg = text, function = public.joined)",
  trap("found", "name, text", "boolean", "$1::text operator(pg_catalog.=) $2"),
  "create operator public.= (leftarg = name, rightarg = text, function = public.found)",
];

describe("an application that would act with Muster's rights", () => {
  let bench: Bench;
  const muster = <T>(work: (sql: Sql) => Promise<T>) =>
    withPostgres(
      bench.ctx,
      bench.ctx.clients.pg,
      asGuard(bench.ctx.clients.pg, { host: from.host, port: 5432, database: app.database }),
      "Test",
      work,
    );
  const server = () => bench.pair.primary.server;
  beforeAll(async () => {
    bench = await openBench();
    await ask(server(), "grant create on schema public to app; grant app to current_user");
    await ask(server(), `set role app; ${traps.join(";\n")}; reset role`);
  });
  afterAll(() => bench.close());

  it("stays fenced, whatever it left in the schema public for Muster's looks to call", async () => {
    await muster((sql) => fenceRole(sql, "app", { runId: "fo-1", epoch: 1, callTimeoutMs: 5000 }));
    await muster((sql) => writeHeartbeat(sql, new Date()));
    for (const look of [getReplicationState, getPromotedAt, getHeartbeat, getStandbyState, listHidden])
      await muster<unknown>(look);
    await muster((sql) => countRows(sql, 2000));
    await muster((sql) => countRowsSince(sql, new Date(0).toISOString(), 2000));
    expect(await ask(server(), "select name, who from public.caught")).toEqual([]);
    expect(await muster((sql) => getRole(sql, "app"))).toMatchObject({ canLogIn: false });
  });

  it("does so neither where an administrator gave Muster's role another search_path", async () => {
    await ask(server(), "alter role muster in database shop set search_path = public, pg_catalog");
    await muster<unknown>(getReplicationState);
    expect(await ask(server(), "select name, who from public.caught")).toEqual([]);
    expect(await muster((sql) => getRole(sql, "app"))).toMatchObject({ canLogIn: false });
  });
});
