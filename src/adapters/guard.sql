-- What Muster keeps in a database it looks after: one schema, owned by whoever runs this file; Muster's role may read and
-- write its rows.
--
-- Run it once, as an administrator (on RDS and Aurora: the master user, or another member of rds_superuser), connected to the
-- application's database on the writer; replicas receive it:
--
--     psql -v ON_ERROR_STOP=1 -f guard.sql ...
--
-- Make the role first, with a password of its own:
--
--     create role muster login createrole password '...';
--
-- createrole lets Muster take and give back the application role's right to log in: that is the fence. From Postgres 16
-- on it also needs "grant <application role> to muster with admin option, inherit false, set false". Running this file again is safe.
--
-- Before Postgres 16 createrole is more than that: whoever has it may make itself a member of every role that is no superuser. On a
-- server that you run yourself one of those is pg_execute_server_program, which runs programs on its machine: keep Muster's
-- password there as you keep that of the machine.
--
-- Where GUARD_USER names another role, make that one, give it what is said here of muster, and run this file with its name for
-- the role's. The schema and the column keep theirs:
--
--     sed 's/ muster;$/ "other-name";/' guard.sql | psql -v ON_ERROR_STOP=1 ...

grant pg_monitor, pg_signal_backend to muster;

-- From Postgres 14 on: to count rows. Before, say for each schema of the application, and again after new tables:
--
--     grant usage on schema public to muster;
--     grant select on all tables in schema public to muster;
--
-- A table that Muster may not read is not counted, and the report of a move names it.
do $$
begin
  if exists (select from pg_roles where rolname = 'pg_read_all_data') then
    grant pg_read_all_data to muster;
  end if;
end $$;

-- From Postgres 16 on, the connections that reserved_connections keeps: a writer whose others are all taken can be fenced still.
do $$
begin
  if exists (select from pg_roles where rolname = 'pg_use_reserved_connections') then
    grant pg_use_reserved_connections to muster;
  end if;
exception when insufficient_privilege then
  raise notice 'whoever runs this may not hand on pg_use_reserved_connections: Muster gets none of the reserved connections';
end $$;

create schema if not exists muster_guard;

-- One row: when Muster last wrote here, on its own clock. What a replica shows of it is how far behind it is.
create table if not exists muster_guard.heartbeat (
  one boolean primary key default true check (one),
  at timestamptz not null,
  lsn pg_lsn
);

-- A row a run: proof that this server took a write after its promotion.
create table if not exists muster_guard.canary (
  run text primary key,
  at timestamptz not null
);

-- Runs that changed this database, in the order they came. Only the newest, in its newest lease, may change it again.
create table if not exists muster_guard.epoch (
  turn bigint generated always as identity unique,
  run text primary key,
  epoch integer not null
);

-- A row for each Muster that looks after this database: how far its own journal reached, which is how it notices that its
-- database was set back to an older copy.
create table if not exists muster_guard.journal (
  muster text primary key,
  seq bigint not null,
  at timestamptz not null
);

-- An administrator who is no superuser can make nobody else the owner: not without being a member of that role.
grant usage on schema muster_guard to muster;
grant select, insert, update on all tables in schema muster_guard to muster;
