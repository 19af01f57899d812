import type { Recipe } from "./postgres-template.ts";

/** The users' database of the lab: who may log in to it. Roles and passwords travel with replication. */
export const app = { user: "app", password: "lab-app", database: "shop" } as const;
export const muster = { user: "muster", password: "lab-muster", database: "shop" } as const;
export const replicator = { user: "replicator", password: "lab-replicator" } as const;

/**
 * Who manages the servers: as RDS's master user no superuser, which may hand on what rds_superuser may.
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.rds_superuser.html
 */
const administrator = "administrator";

/** Statements as the administrator runs them. */
export const asAdministrator = (sql: string): string => `set session authorization ${administrator};\n${sql}`;

/** Makes the recipe of database "shop", with statements of the opener's own at its end. */
export function shopRecipe(seed = ""): Recipe {
  return {
    name: "shop",
    statements: [
      { database: "postgres", sql: roles },
      { database: "postgres", sql: "create database shop" },
      { database: "shop", sql: tables },
      ...(seed ? [{ database: "shop", sql: seed }] : []),
    ],
  };
}

/** Muster's role may do what rds_superuser lets it do, as far as a failover needs: no more. */
const roles = `
create role ${administrator} createrole createdb;
grant pg_signal_backend, pg_monitor, pg_read_all_data to ${administrator} with admin option;
create role app login password '${app.password}';
set session authorization ${administrator};
create role muster login createrole password '${muster.password}';
reset session authorization;
grant app to muster with admin option;
grant pg_signal_backend, pg_monitor, pg_read_all_data to muster;
create role replicator login replication password '${replicator.password}';
`;

/** An order's number has no unique key: an order that a customer repeats is stored twice, and is counted. */
const tables = `
grant create on database shop to ${administrator};
create table orders (
  id bigserial primary key,
  number bigint not null,
  customer text not null,
  total_cents integer not null,
  placed_at timestamptz not null default clock_timestamp(),
  -- A setting of each server, which is not replicated: tells which of them took the order.
  committed_by text not null default current_setting('muster_lab.region')
);
create index on orders (number);
create table users (id bigserial primary key, name text not null, mail text not null);
insert into users (name, mail) values
  ('Ada', 'ada@example.com'), ('Grace', 'grace@example.com'), ('Edsger', 'edsger@example.com'),
  ('Barbara', 'barbara@example.com'), ('Alan', 'alan@example.com');
grant select, insert, update, delete on orders, users to app;
grant usage on all sequences in schema public to app;
`;
