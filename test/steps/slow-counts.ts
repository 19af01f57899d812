import { ask } from "../../src/lab/postgres-pair.ts";
import { app, muster } from "../../src/lab/shop.ts";

/**
 * Makes counting the rows of a table slow for Muster, so many seconds a row, as in one of hundreds of millions; its highest
 * key is told as fast as ever. For sessions that begin from now on, on this server and on its replicas.
 */
export async function countSlowly(server: Parameters<typeof ask>[0], table: string, seconds: number): Promise<void> {
  const ofMuster = `alter role ${muster.user} in database ${app.database}`;
  await ask(server, "create schema slow");
  await ask(
    server,
    `create function slow.step(state bigint) returns bigint language plpgsql as $$ begin
       if current_query() like '%"${table}"%' then perform pg_sleep(${seconds}); end if;
       return state + 1;
     end $$`,
  );
  await ask(server, "create aggregate slow.count(*) (sfunc = slow.step, stype = bigint, initcond = '0')");
  await ask(server, `grant usage on schema slow to ${muster.user}`);
  await ask(server, `${ofMuster} set search_path = slow, pg_catalog, public`);
}
