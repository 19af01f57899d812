import pg from "pg";
import { sqlState, type Sql } from "./postgres.ts";

/**
 * Rows of a table, and the highest key where it is one whole number. `exact` is false where the planner's estimate stands
 * in, which is null for a table that was never analysed; and of one whose rows Muster's role may not all see, nothing is known.
 */
export type TableCount = { rows: number | null; exact: boolean; maxId?: string };

/** By "schema.table". */
export type TableCounts = Record<string, TableCount>;

/** Tables above this many rows are not counted but estimated; of more tables, the largest are taken. */
const limits = { rows: 500_000, tables: 50 } as const;

/** Whether tables may have been left out of a count. */
export const mayBeCut = (counts: Record<string, unknown>): boolean => Object.keys(counts).length >= limits.tables;

/** How many tables are counted at most. */
export const mostTables: number = limits.tables;

type Table = { schema: string; name: string; estimate: number; readable: boolean; key: string | null };

/** Tables "c" in schemas "n" that hold what an application keeps. */
const kept = `c.relkind = 'r' and c.relpersistence = 'p'
        and n.nspname not in ('pg_catalog', 'information_schema', 'muster_guard')`;

/** Whether every row of a table "c" in a schema "n" shows itself: a policy hides rows from whoever it is in force for, without a word. */
const readable = `has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') and not row_security_active(c.oid)`;

/**
 * Counts the rows of the users' tables for about as long as the budget allows, in wall milliseconds, and never for half as
 * long again: first every highest key, which an index tells, then rows, small tables first. Counts of two servers compare
 * only while nothing writes between them.
 */
export async function countRows(sql: Sql, budgetMs: number): Promise<TableCounts> {
  const tables = await sql.query<Table>(
    `select n.nspname as schema, c.relname as name, c.reltuples::float8 as estimate,
            ${readable} as readable,
            (select min(a.attname) from pg_index i
               join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey)
              where i.indrelid = c.oid and i.indisprimary and i.indnkeyatts = 1
                and a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)) as key
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where ${kept}
      order by pg_relation_size(c.oid) desc, n.nspname, c.relname
      limit $1`,
    [limits.tables],
  );
  return inBudget(sql, budgetMs, async (ask) => {
    const maxIds = await readMaxIds(ask, tables);
    const counts: TableCounts = {};
    for (const table of tables.toReversed()) {
      const { schema, name, estimate } = table;
      if (!table.readable) {
        counts[`${schema}.${name}`] = { rows: null, exact: false };
        continue;
      }
      const [row] = estimate <= limits.rows ? await ask<{ rows: number }>(`select ${countOf(table)}`) : [];
      const maxId = maxIds.get(`${schema}.${name}`);
      const rows = row?.rows ?? (estimate < 0 ? null : estimate);
      counts[`${schema}.${name}`] = { rows, exact: row !== undefined, ...(maxId ? { maxId } : {}) };
    }
    return counts;
  });
}

/** Lists the tables ("schema.table") whose rows Muster's role may not all see, and so cannot count; the first of many. */
export async function listHidden(sql: Sql): Promise<string[]> {
  const tables = await sql.query<{ name: string }>(
    `select n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where ${kept} and not (${readable}) order by 1 limit $1`,
    [limits.tables],
  );
  return tables.map(({ name }) => name);
}

const quoted = ({ schema, name }: Pick<Table, "schema" | "name">): string =>
  `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(name)}`;

const countOf = (table: Table): string => `count(*)::float8 as rows from ${quoted(table)}`;

async function readMaxIds(ask: Ask, tables: readonly Table[]): Promise<Map<string, string>> {
  const each = tables.flatMap((table) => {
    if (table.key === null || !table.readable) return [];
    const label = pg.escapeLiteral(`${table.schema}.${table.name}`);
    return [`select ${label} as "table", max(${pg.escapeIdentifier(table.key)})::text as max from ${quoted(table)}`];
  });
  const rows = each.length === 0 ? [] : await ask<{ table: string; max: string | null }>(each.join(" union all "));
  return new Map(rows.flatMap(({ table, max }) => (max === null ? [] : [[table, max] as const])));
}

/**
 * Counts rows stamped after a time, in tables that stamp them by default (a timestamptz column with default now()); null
 * where the budget, in wall milliseconds, was over before, and where Muster's role may not see every row.
 */
export async function countRowsSince(
  sql: Sql,
  since: string,
  budgetMs: number,
): Promise<Record<string, number | null>> {
  const stamped = await sql.query<{ schema: string; name: string; readable: boolean; stamp: string }>(
    `select n.nspname as schema, c.relname as name, ${readable} as readable, min(a.attname) as stamp
       from pg_attrdef d
       join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum and a.atttypid = 'timestamptz'::regtype
       join pg_class c on c.oid = d.adrelid and c.relkind = 'r' and c.reltuples <= $1
       join pg_namespace n on n.oid = c.relnamespace
      where pg_get_expr(d.adbin, d.adrelid) ~ '^(now\\(\\)|CURRENT_TIMESTAMP|clock_timestamp\\(\\)|transaction_timestamp\\(\\))$'
        and n.nspname not in ('pg_catalog', 'information_schema', 'muster_guard')
      group by 1, 2, 3 order by 1, 2 limit $2`,
    [limits.rows, limits.tables],
  );
  return inBudget(sql, budgetMs, async (ask) => {
    const counts: Record<string, number | null> = {};
    for (const table of stamped) {
      const text = `select count(*)::float8 as rows from ${quoted(table)} where ${pg.escapeIdentifier(table.stamp)} > $1`;
      const [row] = table.readable ? await ask<{ rows: number }>(text, [since]) : [];
      counts[`${table.schema}.${table.name}`] = row?.rows ?? null;
    }
    return counts;
  });
}

/** Asks while there is time; an empty answer where there was none left, or the server gave up. */
type Ask = <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<Row[]>;

async function inBudget<T>(sql: Sql, budgetMs: number, work: (ask: Ask) => Promise<T>): Promise<T> {
  const until = performance.now() + budgetMs;
  // Set once: a statement more for each table would cost a way across the continent.
  await sql.query(`set statement_timeout = ${Math.max(1, Math.floor(budgetMs / 2))}`);
  const ask: Ask = async <Row extends pg.QueryResultRow>(text: string, values?: unknown[]) => {
    if (performance.now() >= until) return [];
    try {
      return await sql.query<Row>(text, values);
    } catch (error) {
      if (isGivenUp(sqlState(error))) return [];
      throw error;
    }
  };
  const result = await work(ask);
  await sql.query("reset statement_timeout");
  return result;
}

/** The statement was cancelled: by its timeout, by a lock that did not come, or by what a replica had to replay. */
const isGivenUp = (state: string | undefined): boolean => state === "57014" || state === "55P03" || state === "40001";
