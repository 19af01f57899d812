import { asApp, asGuard, withPostgres, type PgOptions, type Sql } from "../adapters/postgres.ts";
import { whyUnreachable } from "../adapters/unreachable.ts";
import type { Context } from "../context.ts";
import type { DatabaseServer } from "../facts/databases/driver.ts";
import { lookAtSide, recallSide } from "../facts/databases/index.ts";
import { seen } from "../facts/fact.ts";
import type { Side } from "../facts/targets.ts";

/** Two sides, and the one that is the writer, as the last promotion or a look tells; without either, what is remembered does. */
export type Pair = { sides: readonly Side[]; writer?: Side };

/** Does some work at one side as Muster's role, told what is known of it; undefined where nobody knows its address. */
export async function onSide<T>(
  ctx: Context,
  side: Side,
  pair: Pair,
  name: string,
  how: PgOptions,
  work: (sql: Sql, known: DatabaseServer) => Promise<T>,
): Promise<T | undefined> {
  const instance = (await recallSide(ctx, side)) ?? seen(await lookAtSide(ctx, side));
  if (!instance?.endpoint) return undefined;
  const { endpoint, readEndpoint = endpoint } = instance;
  // A secondary of Aurora answers at its reader endpoint only, and a primary's may lead to a replica.
  const writes = side === pair.writer || instance.aurora?.isWriter !== false;
  const [likely, other] = writes ? [endpoint, readEndpoint] : [readEndpoint, endpoint];
  const { database } = appOf(ctx, pair);
  const aurora = instance.aurora ? { aurora: side.region } : {};
  const ask = (place: { host: string; port: number }) =>
    withPostgres(
      ctx,
      ctx.clients.pg,
      asGuard(ctx.clients.pg, { ...place, database, ...aurora }),
      name,
      (sql) => work(sql, instance),
      how,
    );
  return ask(likely).catch((error: unknown) => {
    if (likely === other || whyUnreachable(error) === undefined) throw error;
    return ask(other);
  });
}

/** The application's role and database at a pair; where the estate names none, the server's own database. */
export function appOf(ctx: Context, { sides }: Pair): { user: string; database: string } {
  const reference = sides.find(({ appRole }) => appRole)?.appRole;
  if (!reference) return { user: "", database: "postgres" };
  return asApp({ host: "", port: 0 }, ctx.secret(reference));
}
