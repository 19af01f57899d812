import type { Context } from "../../context.ts";
import type { Database } from "../../estate.ts";
import { explainAs } from "../explain.ts";
import { look, type Fact } from "../fact.ts";
import type { Side } from "../targets.ts";
import { auroraPostgres } from "./aurora-postgres.ts";
import type { DatabaseDriver, DatabaseServer } from "./driver.ts";
import { postgres } from "./postgres.ts";
import { rdsPostgres } from "./rds-postgres.ts";

/** Every way of promoting a replica. A new one is a file and a line here. */
const databaseDrivers: readonly DatabaseDriver[] = [rdsPostgres, postgres, auroraPostgres];

/** The driver of a name; without a name RDS's, as in facts of older runs. */
export function databaseDriver(name: Database["driver"] = rdsPostgres.name): DatabaseDriver {
  const found = databaseDrivers.find((driver) => driver.name === name);
  if (!found) throw new Error(`there is no database driver ${name}`);
  return found;
}

/** Names both servers of a pair, its writer by the estate first. */
export const sidesOf = (database: Database): readonly [Side, Side] => databaseDriver(database.driver).sides(database);

/** Finds a server where it is managed. A look: it never throws, and remembers nothing. */
export function findServer(ctx: Context, side: Side): Promise<Fact<DatabaseServer>> {
  const driver = databaseDriver(side.driver);
  return look(ctx, () => driver.find(ctx, side), explainAs(driver.manager(side)));
}

/** The same, and remembers what was found. */
export async function lookAtSide(ctx: Context, side: Side): Promise<Fact<DatabaseServer>> {
  const fact = await findServer(ctx, side);
  if ("seen" in fact) await databaseDriver(side.driver).remember(ctx, side, fact.seen);
  return fact;
}

/** Recalls a server without asking anybody outside. */
export const recallSide = (ctx: Context, side: Side): Promise<DatabaseServer | undefined> =>
  databaseDriver(side.driver).recall(ctx, side);
