import { ask } from "../../src/lab/postgres-pair.ts";

/**
 * Makes counting the rows of a table slow, so many seconds a row, as in one of hundreds of millions; its highest key is told as
 * fast as ever. On this server and on its replicas. Only a superuser can: it changes what Postgres's own count(*) does.
 */
export async function countSlowly(server: Parameters<typeof ask>[0], table: string, seconds: number): Promise<void> {
  await ask(server, "create schema slow");
  await ask(
    server,
    `create function slow.step(state bigint) returns bigint language plpgsql as $$ begin
       if current_query() like '%count(*)%"${table}"%' then perform pg_sleep(${seconds}); end if;
       return state + 1;
     end $$`,
  );
  await becomes(server, "slow.step(bigint)");
}

/** Makes it as fast as it was. */
export async function countFast(server: Parameters<typeof ask>[0]): Promise<void> {
  await becomes(server, "pg_catalog.int8inc(bigint)");
  await ask(server, "drop schema slow cascade");
}

const becomes = (server: Parameters<typeof ask>[0], step: string) =>
  ask(
    server,
    `update pg_catalog.pg_aggregate set aggtransfn = '${step}'::regprocedure
      where aggfnoid = 'pg_catalog.count()'::regprocedure`,
  );
